// What a person fills in on a tool's card: the values of its forms, by the kinds that its fields have.

/** The answers by form and field; null where a field does not take what it holds, which the browser then says. */
export function answersIn(card) {
  const fields = [...card.querySelectorAll(".form :is(input, select)")];
  if (!fields.every((field) => field.reportValidity())) return null;
  const forms = [...card.querySelectorAll(".form")];
  return Object.fromEntries(forms.map((form) => [form.dataset.key, valuesIn(form)]));
}

function valuesIn(form) {
  const fields = [...form.querySelectorAll("[data-field]")];
  const values = fields.map((field) => [field.dataset.field, valueOf(field)]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

/** What a field holds; undefined where it is left out. */
function valueOf(field) {
  const { kind } = field.dataset;
  if (kind === "boolean") return field.checked;
  if (kind === "choices") return [...field.querySelectorAll(":checked")].map((each) => each.value);
  if (field.value === "") return undefined;
  if (kind === "number" || kind === "integer") return Number(field.value);
  return kind === "date-time" ? new Date(field.value).toISOString() : field.value;
}

/** The Enter key sends what was filled in: it must not press the form's own button, which denies. */
export function sendByEnter(form) {
  form.querySelector(".will").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !event.target.matches("input:not([type=checkbox])")) return;
    event.preventDefault();
    form.querySelector("[data-action=allow]:not([hidden], [data-scope])")?.click();
  });
}
