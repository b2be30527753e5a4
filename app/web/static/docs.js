// The REST reference at /docs: Scalar reading our own OpenAPI document, with everything that would call another host turned off.
"use strict";

const COLORS = `
  .light-mode { --scalar-color-accent: #0a6b4b; --scalar-background-1: #ffffff; --scalar-background-2: #f6f6f2; --scalar-border-color: #dddcd4; --scalar-color-1: #1a222c; }
  .dark-mode { --scalar-color-accent: #5fd3a0; --scalar-background-1: #11161c; --scalar-background-2: #19212a; --scalar-background-3: #232d38; --scalar-border-color: #2c3742; --scalar-color-1: #e6eaee; }
  :root { --scalar-custom-header-height: 3.25rem; --scalar-font: var(--sans); --scalar-font-code: var(--mono); }
  @media (max-width: 48rem) { :root { --scalar-custom-header-height: 0px; } }
`;

const reference = document.getElementById("reference");
const { base } = reference.dataset;
reference.replaceChildren();

Scalar.createApiReference("#reference", {
  url: `${base}/api/v1/openapi.json`,
  servers: [{ url: location.origin + base }],
  theme: "none",
  customCss: COLORS,
  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  showDeveloperTools: "never",
  hideClientButton: true,
  hideDarkModeToggle: true,
  persistAuth: false,
  authentication: { preferredSecurityScheme: "bearer" },
  // With no token entered it would send an empty one, and the session cookie would not count.
  onRequestBuilt({ request }) {
    if (/^bearer\s*$/i.test(request.headers.get("authorization") ?? "")) request.headers.delete("authorization");
  },
});
