import { createMemoryBlobs } from "../support/memory/blobs.ts";
import { blobCase } from "./blob.case.ts";

blobCase("memory", async () => ({ blobs: createMemoryBlobs(), stop: async () => {} }));
