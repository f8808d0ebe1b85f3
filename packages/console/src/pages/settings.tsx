/** What the operator sets: vendor accounts, apps with their keys, and banned words. And what this browser keeps. */
import type { ReactNode } from "react";
import { AddEndpoint, EndpointList } from "../components/endpoint-list.tsx";
import { SignatureHelp } from "../components/signature-help.tsx";
import { Icon } from "../kit/icon.tsx";
import { hrefOf } from "../lib/route.ts";
import { useIsOperator } from "../queries.ts";
import { Appearance } from "../settings/appearance.tsx";
import { Apps } from "../settings/apps.tsx";
import { BannedWords } from "../settings/banned-words.tsx";
import { OPERATOR_SECTIONS } from "../settings/section.ts";
import { SessionList } from "../settings/session-list.tsx";
import { Shortcuts } from "../settings/shortcuts.tsx";
import { Templates } from "../settings/templates.tsx";
import { Usage } from "../settings/usage.tsx";
import { VendorAccounts } from "../settings/vendor-accounts.tsx";
import type { PageTexts } from "../text/en-pages.ts";
import { t } from "../text/page-text.ts";

interface Section {
  id: keyof PageTexts["settings"];
  icon: string;
  content: ReactNode;
}

const SECTIONS: readonly Section[] = [
  { id: "vendors", icon: "server", content: <VendorAccounts /> },
  { id: "apps", icon: "key-round", content: <Apps /> },
  { id: "banned", icon: "ban", content: <BannedWords /> },
  {
    id: "webhooks",
    icon: "webhook",
    content: (
      <>
        <EndpointList shown="" />
        <div>
          <AddEndpoint />
        </div>
        <SignatureHelp />
      </>
    ),
  },
  { id: "usage", icon: "chart-column", content: <Usage /> },
  { id: "templates", icon: "bookmark", content: <Templates /> },
  { id: "sessions", icon: "log-out", content: <SessionList /> },
  { id: "appearance", icon: "eye", content: <Appearance /> },
  { id: "shortcuts", icon: "keyboard", content: <Shortcuts /> },
];

export default function SettingsPage({ section }: { section: string | undefined }) {
  const isOperator = useIsOperator();
  // An app's key may not read the operator's settings, so they are not shown.
  const allowed = SECTIONS.filter(({ id }) => isOperator || !OPERATOR_SECTIONS.has(id));
  const shown = allowed.find(({ id }) => id === section) ?? allowed[0]!;
  return (
    <div className="settings">
      <nav aria-label={t.pages.settings}>
        <h1>{t.pages.settings}</h1>
        {allowed.map(({ id, icon }) => (
          <a
            key={id}
            href={hrefOf({ page: "settings", section: id })}
            aria-current={id === shown.id ? "page" : undefined}
          >
            <Icon name={icon} />
            {t.settings[id]}
          </a>
        ))}
      </nav>
      <section className="settings-content" aria-labelledby="settings-section">
        <h2 id="settings-section">{t.settings[shown.id]}</h2>
        {shown.content}
      </section>
    </div>
  );
}
