/** Asking the person for a token. */

import { isOnDevice, saveToken } from "./kept.js";

let asking = null; // however many requests want a token, it is asked for once

/** Ask for one and keep it; `trouble` says what was wrong with the last one. */
export function askToken(trouble) {
  asking ??= ask(trouble).finally(() => {
    asking = null;
  });
  return asking;
}

function ask(trouble) {
  const dialog = document.querySelector("#asking");
  const field = dialog.querySelector("#token");
  const remember = dialog.querySelector("#remember");
  dialog.querySelector("#asking-trouble").textContent = trouble;
  field.setAttribute("aria-invalid", String(Boolean(trouble)));
  remember.checked ||= isOnDevice();
  dialog.showModal();
  field.focus();
  return new Promise((resolve) => {
    dialog.oncancel = (event) => event.preventDefault(); // without a token nothing goes on
    dialog.onclose = () => {
      const token = field.value.trim();
      field.value = "";
      saveToken(token, { onDevice: remember.checked });
      resolve(token);
    };
  });
}
