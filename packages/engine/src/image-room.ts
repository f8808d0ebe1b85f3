/**
 * Room for the images that are on their way to vendors: a request of 6 MB is held several times over while it is sent, and
 * a batch may bring ten. Whoever finds no room comes back with a later message; nobody waits inside the function's time.
 */
export interface ImageRoom {
  /** False when it is full. */
  enter(): boolean;
  leave(): void;
}

export function createImageRoom(places: number): ImageRoom {
  let taken = 0;
  return {
    enter() {
      if (taken >= places) return false;
      taken++;
      return true;
    },
    leave() {
      taken--;
    },
  };
}
