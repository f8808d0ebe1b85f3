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
  /** Responses that a server or proxy damaged: text around the JSON, wrong labels, a cut end (`damage.ts`). */
  junk: number;
  /** Refusals that prove that nothing was started: an overloaded relay, a refused connection. */
  unstarted: number;
  /** Relays whose row of a finished task is late. Until then they refuse its presses ("not yet"). */
  notYet: number;
  /** Relays whose row of a task never leaves 100 %, so that a look-up never shows its end. */
  frozen: number;
  /** Tasks that fail at the vendor, and presses that open a modal. */
  fail: number;
  modal: number;
  /** Tasks that fail first and succeed up to 50 minutes later, as after a timeout of the vendor. */
  lateSuccess: number;
  /** Successes whose image, or whose buttons, the vendor tells later. */
  emptySuccess: number;
  lateButtons: number;
  /** Look-ups that fail, and look-ups that do not contain an existing task. */
  lookupFails: number;
  lookupMissing: number;
  /** Look-ups whose response has status 200 and is no list. */
  lookupNoList: number;
  /** Look-ups that begin a time of up to two hours in which the vendor refuses the key of look-ups. */
  lookupRefused: number;
  /** Vendors that send no callbacks. */
  silent: number;
  /**
   * Faults of mjflow's side. Processes crash. The table rejects a write, or reports a failure after it did the write.
   * Messages arrive twice, or are lost. Lambda drops the 17th invocation of a chain of messages.
   */
  crash: number;
  tableRefuses: number;
  tableLies: number;
  copyMessage: number;
  loseMessage: number;
  recursionCut: number;
  /**
   * Changes of a credit counter. Late: the caller gets an error, and the table applies the change half a minute later. Copied:
   * the table gets the same change again up to five minutes later, which is how long a signed request is valid.
   */
  lateCredit: number;
  copyCredit: number;
  /** The app's URLs: a failed request; a request that the app processed but whose response is lost. */
  hookFails: number;
  hookLies: number;
  /** Calls of the table by a press of the compat API that take up to half a minute. */
  slowPress: number;
  /** Images that are temporarily not available when they are archived. */
  imageFails: number;
  /** Accounts that answer 429 for minutes, some with a Retry-After, and accounts that do not respond for minutes. */
  busySpell: number;
  hangSpell: number;
  /**
   * Wait lists and slots: lost messages that wake a list. Crashes between two steps at a list. Requests for rows of lists and
   * slots that the table rejects, or reports as failed although they were done.
   */
  loseWake: number;
  dispatcherDies: number;
  listRefuses: number;
  /** Accounts whose wait list loses its state row each minute, as after a restore of an older table. */
  listLost: number;
  /** Processes whose clock is wrong by up to five seconds. */
  clockSkew: number;
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
  junk: 0,
  unstarted: 0,
  notYet: 0,
  frozen: 0,
  fail: 0,
  modal: 0,
  lateSuccess: 0,
  emptySuccess: 0,
  lateButtons: 0,
  lookupFails: 0,
  lookupMissing: 0,
  lookupNoList: 0,
  lookupRefused: 0,
  silent: 0,
  crash: 0,
  tableRefuses: 0,
  tableLies: 0,
  copyMessage: 0,
  loseMessage: 0,
  recursionCut: 0,
  lateCredit: 0,
  copyCredit: 0,
  hookFails: 0,
  hookLies: 0,
  slowPress: 0,
  imageFails: 0,
  busySpell: 0,
  hangSpell: 0,
  loseWake: 0,
  dispatcherDies: 0,
  listRefuses: 0,
  listLost: 0,
  clockSkew: 0,
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
  junk: 0.1,
  unstarted: 0.05,
  notYet: 0.1,
  frozen: 0.03,
  fail: 0.05,
  modal: 0.1,
  lateSuccess: 0.05,
  emptySuccess: 0.05,
  lateButtons: 0.1,
  lookupFails: 0.1,
  lookupMissing: 0.1,
  lookupNoList: 0.05,
  lookupRefused: 0.01,
  silent: 0.2,
  crash: 0.01,
  tableRefuses: 0.01,
  tableLies: 0.005,
  copyMessage: 0.1,
  loseMessage: 0.02,
  recursionCut: 1,
  lateCredit: 0.02,
  copyCredit: 0.1,
  hookFails: 0.2,
  hookLies: 0.1,
  slowPress: 0.1,
  imageFails: 0.2,
  busySpell: 0.3,
  hangSpell: 0.2,
  loseWake: 0.2,
  dispatcherDies: 0.02,
  listRefuses: 0.02,
  listLost: 0.1,
  clockSkew: 0.3,
};

/** All faults together that the version of 2026-11-21 knew rules for. */
export const EARLIER_FAULTS: FaultProfile = {
  ...ALL_FAULTS,
  ...{ junk: 0, unstarted: 0, notYet: 0, frozen: 0, lateSuccess: 0, emptySuccess: 0, lateButtons: 0 },
  ...{ lookupNoList: 0, lookupRefused: 0 },
  ...{ busySpell: 0, hangSpell: 0, loseWake: 0, dispatcherDies: 0, listRefuses: 0, listLost: 0, clockSkew: 0 },
};

/** One fault alone and often, so that no other fault hides its effect. */
export function singleFault(fault: keyof FaultProfile, probability = 0.4): FaultProfile {
  return { ...NO_FAULTS, [fault]: probability };
}
