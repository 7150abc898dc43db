// Puts the token of a set-up link into the form and out of the address, where it would stay in the history.
const token = location.hash.slice(1);
const field = document.querySelector('input[name="token"]');
if (token && field) {
  field.value = token;
  history.replaceState(null, '', location.pathname);
  document.querySelector('input[name="password"]').focus();
}
