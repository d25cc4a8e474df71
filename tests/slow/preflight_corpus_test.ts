/** Programs of arm64 under qemu. */
import { testCorpus } from "../support/preflight/corpus_trials.ts";

testCorpus("arm64");
