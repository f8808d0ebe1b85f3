/**
 * Room for the images that are on their way to vendors: a request of 6 MB is held several times over while it is sent, and
 * a batch may bring ten. Whoever finds no room comes back with a later message; nobody waits inside the function's time.
 */
export interface ImageSemaphore {
  /** False when it is full. */
  tryAcquire(): boolean;
  release(): void;
}

export function createImageSemaphore(places: number): ImageSemaphore {
  let taken = 0;
  return {
    tryAcquire() {
      if (taken >= places) return false;
      taken++;
      return true;
    },
    release() {
      taken--;
    },
  };
}
