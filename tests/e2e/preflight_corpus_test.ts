/** Programs of amd64; those of arm64, under qemu, are in tests/slow. */
import { testCorpus } from "../support/preflight/corpus_trials.ts";

testCorpus("amd64");
