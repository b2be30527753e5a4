// GraphiQL at /graphql: signed in by the session cookie, opened with the examples that the page carries.
"use strict";

const { createElement, useEffect } = React;
const { useEditorContext } = GraphiQL.React;
const main = document.getElementById("graphiql");
const { base } = main.dataset;
const examples = JSON.parse(document.getElementById("examples").textContent);

// The examples' variables say {orgSlug}, {projectId}, {environmentId}. What they stand for is learned from answers, so that
// the tabs can be run from left to right with nothing to copy.
const NAMES = { org: ["orgSlug", "slug"], project: ["projectId", "id"], environment: ["environmentId", "id"] };
const MAKES = { orgSlug: "an organisation", projectId: "a project", environmentId: "an environment" };
const known = {};

function learn(value, kind, replace) {
  if (Array.isArray(value)) return value.forEach((item) => learn(item, kind, replace));
  if (value === null || typeof value !== "object") return;
  const [name, key] = NAMES[kind] ?? [];
  if (typeof value[key] === "string" && (replace || !(name in known))) known[name] = value[key];
  for (const [key, child] of Object.entries(value)) {
    learn(child, ["edges", "node", "nodes"].includes(key) ? kind : key.replace(/s$/, ""), replace);
  }
}

const fill = (text) => text.replace(/\{(\w+)\}/g, (whole, name) => known[name] ?? whole);

const send = GraphiQL.createFetcher({
  url: `${base}/graphql`,
  subscriptionUrl: `${location.origin.replace(/^http/, "ws")}${base}/graphql`,
  enableIncrementalDelivery: false,
  headers: { accept: "application/graphql-response+json, application/json;q=0.9" },
});

// As much of the document as tells the fetcher whether it is a subscription: GraphiQL, too, may still have the one before.
function looked(query, operationName) {
  const name = operationName && { kind: "Name", value: operationName };
  const operation = new RegExp(`^\\s*subscription\\b\\s*${operationName ?? ""}`, "m").test(query) ? "subscription" : "query";
  return { kind: "Document", definitions: [{ kind: "OperationDefinition", operation, name }] };
}

async function fetcher(params, options) {
  const variables = params.variables && JSON.parse(fill(JSON.stringify(params.variables)));
  const unknown = JSON.stringify(variables ?? "").match(/"\{(orgSlug|projectId|environmentId)\}"/)?.[1];
  if (unknown) {
    return { errors: [{ message: `There is no ${unknown} yet: create ${MAKES[unknown]} first (there is a tab for it), or enter it in the variables.` }] };
  }
  // For a moment after a change of tabs GraphiQL still names the operation of the one before.
  const operationName = params.query.includes(params.operationName) ? params.operationName : undefined;
  const answer = await send({ ...params, variables, operationName }, { ...options, documentAST: looked(params.query, operationName) });
  if (answer.errors?.some(({ extensions }) => extensions?.code === "unauthorized")) showSignedOut();
  learn(answer.data, null, /^\s*mutation\b/m.test(params.query));
  return answer;
}

const operationOf = (example) => example.query.match(/^(?:query|mutation|subscription) (\w+)/m)?.[1];

function open(example, editor) {
  const index = editor.tabs.findIndex((tab) => tab.title === operationOf(example));
  if (index >= 0) return editor.changeTab(index);
  editor.addTab();
  // GraphiQL empties the editors when it renders the new tab: write after that.
  setTimeout(() => {
    editor.queryEditor.setValue(example.query);
    editor.variableEditor.setValue(fill(example.variables));
  });
}

function Examples() {
  const editor = useEditorContext({ nonNull: true });
  return createElement(
    "section",
    { className: "examples", "aria-label": "Examples" },
    createElement("h2", null, "The tour"),
    createElement("p", null, "Run them in order: each fills in the ids that the previous ones created."),
    createElement(
      "ol",
      null,
      examples.map((example) =>
        createElement("li", { key: example.slug }, createElement("button", { type: "button", onClick: () => open(example, editor) }, example.title)),
      ),
    ),
  );
}

function ExamplesIcon(props) {
  return createElement(
    "svg",
    { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", strokeWidth: 1.5, ...props },
    createElement("path", { d: "M9 6h11M9 12h11M9 18h11M4 6h.01M4 12h.01M4 18h.01", strokeLinecap: "round" }),
  );
}

// `/graphql#create-a-flag` opens that example.
function FromAddress() {
  const editor = useEditorContext({ nonNull: true });
  const ready = Boolean(editor.queryEditor && editor.variableEditor);
  useEffect(() => {
    const example = examples.find(({ slug }) => `#${slug}` === location.hash);
    if (!ready || !example) return;
    history.replaceState(null, "", location.pathname);
    open(example, editor);
  }, [ready]);
  return null;
}

// The bar was made with the page: the session may have ended since.
function showSignedOut() {
  const who = document.getElementById("who");
  who.href = `${base}/app/signin`;
  who.textContent = "You are signed out. Sign in";
  document.querySelector(".bar form")?.remove();
}

async function lookAround() {
  const { query } = examples.find(({ slug }) => slug === "look-around");
  learn((await send({ query }).catch(() => ({}))).data, null, false);
}

async function start() {
  await lookAround();
  ReactDOM.createRoot(main).render(
    createElement(
      GraphiQL,
      {
        fetcher,
        defaultTabs: examples.map(({ query, variables }) => ({ query, variables: fill(variables) })),
        defaultQuery: "# A new query\n",
        defaultEditorToolsVisibility: "variables",
        shouldPersistHeaders: false,
        forcedTheme: "system",
        plugins: [{ title: "Examples", icon: ExamplesIcon, content: Examples }],
      },
      createElement(GraphiQL.Logo, null, " "),
      createElement(FromAddress),
    ),
  );
}

start();
