// The API key: in the tab's own storage, gone with the tab.

const NAME = "h2serve-key";

export function createKey(field, onChange) {
  field.value = keptKey();
  field.addEventListener("change", () => {
    sessionStorage.setItem(NAME, field.value.trim());
    field.removeAttribute("aria-invalid");
    onChange();
  });
  return {
    get value() {
      return field.value.trim();
    },
    // The server wants one, or another one.
    ask() {
      field.placeholder = "needed";
      field.setAttribute("aria-invalid", "true");
      field.focus();
    },
  };
}

export const keptKey = () => sessionStorage.getItem(NAME) ?? "";
