/**
 * Limits how many requests with images are submitted to vendors at one time. A request of 6 MB needs several times its
 * size in memory while it is sent, and one message may name several tasks. If the semaphore is full, the task gets a
 * later message; no call waits within the run time of the function.
 */
export interface ImageSemaphore {
  /** Returns false if no slot is free. */
  tryAcquire(): boolean;
  release(): void;
}

export function createImageSemaphore(slots: number): ImageSemaphore {
  let used = 0;
  return {
    tryAcquire() {
      if (used >= slots) return false;
      used++;
      return true;
    },
    release() {
      used--;
    },
  };
}
