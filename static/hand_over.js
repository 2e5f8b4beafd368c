"use strict";

// The token is in the fragment, which no browser sends: the page itself posts it.
(() => {
  const open = () => {
    const token = location.hash.slice(1);
    if (!token) return;
    const form = document.createElement("form");
    const field = document.createElement("input");
    form.method = "post";
    field.name = "token";
    field.type = "hidden";
    field.value = token;
    form.append(field);
    document.body.append(form);
    form.submit();
  };

  window.addEventListener("hashchange", open); // another link in the same tab
  document.addEventListener("DOMContentLoaded", () => {
    if (document.getElementById("enter")) open();
  });
})();
