/** What the browser keeps: the token, which agent was chosen last, and this tab's conversation. */

const NAME = "hiveloom.";

/** The token that was given, "" for none. */
export function loadToken() {
  return read("sessionStorage", "token") ?? read("localStorage", "token") ?? "";
}

/** Keep a token until the tab is closed; or on this device, until it is forgotten. */
export function saveToken(token, { onDevice }) {
  write("sessionStorage", "token", token);
  write("localStorage", "token", onDevice ? token : null);
}

export function isOnDevice() {
  return read("localStorage", "token") !== null;
}

export function loadAgentName() {
  return read("localStorage", "agent") ?? "";
}

export function saveAgentName(name) {
  write("localStorage", "agent", name);
}

/** The conversation of this tab, `{ agent, messages }`, as it was before a reload; null for none. */
export function loadConversation() {
  try {
    return JSON.parse(read("sessionStorage", "conversation"));
  } catch {
    return null;
  }
}

export function saveConversation(conversation) {
  write("sessionStorage", "conversation", conversation && JSON.stringify(conversation));
}

/** Forget all of it. */
export function forget() {
  for (const name of ["token", "agent", "conversation"]) {
    write("sessionStorage", name, null);
    write("localStorage", name, null);
  }
}

function read(storage, name) {
  try {
    return window[storage].getItem(NAME + name);
  } catch {
    return null; // a browser may be told to keep nothing, and then has no store at all
  }
}

function write(storage, name, value) {
  try {
    if (value === null) window[storage].removeItem(NAME + name);
    else window[storage].setItem(NAME + name, value);
  } catch {
    // A full store, or none, loses what a reload would bring back, and nothing else.
  }
}
