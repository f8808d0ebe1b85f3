/** One seed for all properties: a mutant must not live or die by chance. */
import fc from "fast-check";

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 20_261_121 });
