/** The mark of mjflow. */
export function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M9 16h6m0 0c4 0 2-6 8-6m-8 6c4 0 2 6 8 6" />
    </svg>
  );
}
