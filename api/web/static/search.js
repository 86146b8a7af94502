// Shows matches while a person types; without this script the form's button does the same.
const form = document.querySelector("form[data-search]");
if (form) {
  const field = form.querySelector("input[type=search]");
  const found = document.getElementById(form.dataset.search);
  let newest = 0;
  const look = async () => {
    const turn = ++newest;
    const address = new URL(form.action);
    address.searchParams.set("q", field.value);
    address.searchParams.set("part", "true");
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    if (turn === newest && answer.ok && !answer.redirected) found.innerHTML = await answer.text();
  };
  let soon;
  field.addEventListener("input", () => {
    clearTimeout(soon);
    soon = setTimeout(look, 150);
  });
  // Arrow down leads from the field to the first match and on, arrow up back again.
  form.parentElement.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const stops = [field, ...found.querySelectorAll("a.button")];
    const place = stops.indexOf(document.activeElement);
    if (place < 0) return;
    event.preventDefault();
    stops[Math.max(0, Math.min(stops.length - 1, place + (event.key === "ArrowDown" ? 1 : -1)))].focus();
  });
}
