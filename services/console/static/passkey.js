// Passkeys: asks the browser for one, and hands what it signed to the server. No markup is written.
(() => {
  const post = async (path, fields) => {
    const answer = await fetch(path, { method: "POST", body: new URLSearchParams(fields) });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  };
  const run = async (form) => {
    const { ask, give, kind } = form.dataset;
    const token = form.elements.token?.value ?? "";
    const { challenge, options } = await post(ask, { token });
    const made = kind === "new"
      ? await navigator.credentials.create({
        publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
      })
      : await navigator.credentials.get({
        publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
      });
    const credential = JSON.stringify(made.toJSON());
    const { goes } = await post(give, { token, challenge, credential });
    location.assign(goes);
  };
  for (const form of document.querySelectorAll("form[data-ask]")) {
    form.hidden = !window.PublicKeyCredential?.parseRequestOptionsFromJSON;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const failed = form.querySelector("[role=alert]");
      failed.hidden = true;
      run(form).catch(() => { failed.hidden = false; });
    });
  }
})();
