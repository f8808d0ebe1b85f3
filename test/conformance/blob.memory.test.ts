import { createMemoryBlobs } from "@mjflow/store/blob";
import { blobCase } from "./blob.case.ts";

blobCase("memory", async () => ({ blobs: createMemoryBlobs(), stop: async () => {} }));
