/** Probability of each fault, per occasion. docs/faults.md uses these names. */
export interface FaultProfile {
  /** Callbacks: lost; sent again (1 to 5 more); delayed for minutes; a different end afterwards; outdated; forged. */
  loseCallback: number;
  copyCallback: number;
  delayCallback: number;
  contraryEnd: number;
  progressAfterEnd: number;
  forge: number;
  /** Submissions: accepted but the response is lost; lost before the vendor got it; busy; rejected; slow response. */
  answerLost: number;
  dropBefore: number;
  busy: number;
  refuse: number;
  slowAnswer: number;
  /** Tasks that fail at the vendor, and presses that open a modal. */
  fail: number;
  modal: number;
  /** Look-ups that fail, and look-ups that do not contain an existing task. */
  lookupFails: number;
  lookupMissing: number;
  /** Vendors that send no callbacks. */
  silent: number;
  /**
   * Faults of mjflow's side. Processes crash. The table rejects a write, or reports a failure after it did the write.
   * Messages arrive twice, or are lost.
   */
  crash: number;
  tableRefuses: number;
  tableLies: number;
  copyMessage: number;
  loseMessage: number;
  /** The app's URLs: a failed request; a request that the app processed but whose response is lost. */
  hookFails: number;
  hookLies: number;
  /** Calls of the table by a press of the compat API that take up to half a minute. */
  slowPress: number;
  /** Images that are temporarily not available when they are archived. */
  imageFails: number;
}

export const NO_FAULTS: FaultProfile = {
  loseCallback: 0,
  copyCallback: 0,
  delayCallback: 0,
  contraryEnd: 0,
  progressAfterEnd: 0,
  forge: 0,
  answerLost: 0,
  dropBefore: 0,
  busy: 0,
  refuse: 0,
  slowAnswer: 0,
  fail: 0,
  modal: 0,
  lookupFails: 0,
  lookupMissing: 0,
  silent: 0,
  crash: 0,
  tableRefuses: 0,
  tableLies: 0,
  copyMessage: 0,
  loseMessage: 0,
  hookFails: 0,
  hookLies: 0,
  slowPress: 0,
  imageFails: 0,
};

/** All faults together, each often enough to occur in combination with others. */
export const ALL_FAULTS: FaultProfile = {
  loseCallback: 0.15,
  copyCallback: 0.3,
  delayCallback: 0.15,
  contraryEnd: 0.1,
  progressAfterEnd: 0.1,
  forge: 0.1,
  answerLost: 0.05,
  dropBefore: 0.05,
  busy: 0.1,
  refuse: 0.02,
  slowAnswer: 0.05,
  fail: 0.05,
  modal: 0.1,
  lookupFails: 0.1,
  lookupMissing: 0.1,
  silent: 0.2,
  crash: 0.01,
  tableRefuses: 0.01,
  tableLies: 0.005,
  copyMessage: 0.1,
  loseMessage: 0.02,
  hookFails: 0.2,
  hookLies: 0.1,
  slowPress: 0.1,
  imageFails: 0.2,
};

/** One fault alone and often, so that no other fault hides its effect. */
export function singleFault(fault: keyof FaultProfile, probability = 0.4): FaultProfile {
  return { ...NO_FAULTS, [fault]: probability };
}
