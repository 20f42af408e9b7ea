// Takes the one-time code out of the address (/enter#CODE) and sends the form with it. The part
// behind # is never sent to a server, and it is gone from the history before the form is.
const code = location.hash.slice(1);
if (/^[\w-]{20,100}$/.test(code)) {
  history.replaceState(null, "", location.pathname + location.search);
  const form = document.getElementById("enter");
  form.elements.secret.value = code;
  form.requestSubmit();
}
