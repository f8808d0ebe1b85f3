/** One seed for all property tests, so that chance does not decide whether a mutant is killed. */
import fc from "fast-check";

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 20_261_121 });
