/** How bad the world is: each number is a probability, per occasion. Names of faults are those of the fault list. */
export interface FaultProfile {
  /** Callbacks: lost, sent again (1 to 5 more), held back for minutes, and a contrary end afterwards. */
  loseCallback: number;
  copyCallback: number;
  delayCallback: number;
  contraryEnd: number;
  progressAfterEnd: number;
  forge: number;
  /** Submissions: taken but the answer lost; lost before being taken; busy; refused; slow to answer. */
  answerLost: number;
  dropBefore: number;
  busy: number;
  refuse: number;
  slowAnswer: number;
  /** Tasks that fail at the vendor, and presses that open a window. */
  fail: number;
  modal: number;
  /** Look-ups that fail, and that do not know a task yet. */
  lookupFails: number;
  lookupMissing: number;
  /** Accounts that never call back. */
  silent: number;
  /** Our own side: a process dies at a point; the table refuses, or says no after it did; a message comes twice, or is lost. */
  crash: number;
  tableRefuses: number;
  tableLies: number;
  copyMessage: number;
  loseMessage: number;
  /** The app's addresses: they fail, or take it and the answer is lost. */
  hookFails: number;
  hookLies: number;
  /** A picture that is to be archived cannot be had just now. */
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
  imageFails: 0,
};

/** Everything at once, each often enough to meet the others. */
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
  imageFails: 0.2,
};

/** One fault alone, often: what it does is not hidden by another. */
export function singleFault(fault: keyof FaultProfile, probability = 0.4): FaultProfile {
  return { ...NO_FAULTS, [fault]: probability };
}
