import { Component, type ReactNode, Suspense } from "react";

/**
 * A part of the page whose code is loaded when it is shown. If the code cannot be loaded, because the server is lost, only this part is
 * missing. Without it React would remove the whole page. A browser never loads a module again that failed once, so the part is back
 * when the user reloads the page.
 */
export class Part extends Component<{ failed?: (error: unknown) => ReactNode; children: ReactNode }> {
  override readonly state: { error?: unknown } = {};

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    const { failed, children } = this.props;
    if ("error" in this.state) return failed?.(this.state.error) ?? null;
    return <Suspense fallback={null}>{children}</Suspense>;
  }
}
