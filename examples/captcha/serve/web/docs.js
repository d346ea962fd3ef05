// Shows /openapi.json to people.
"use strict";

function element(name, ...content) {
  const made = document.createElement(name);
  made.append(...content);
  return made;
}

function list(pairs) {
  return element("dl", ...pairs.flatMap(([term, text]) => [element("dt", term), element("dd", text)]));
}

fetch("/openapi.json").then((reply) => reply.json()).then((api) => {
  document.getElementById("about").prepend(api.info.description + " ");
  for (const [path, methods] of Object.entries(api.paths))
    for (const [method, route] of Object.entries(methods)) {
      const section = element("section", element("h2", method.toUpperCase() + " " + path),
                              element("p", route.description ?? route.summary));
      if (route.requestBody)
        section.append(element("p", "Body: " + Object.keys(route.requestBody.content).join(" or ") + "."));
      if (route.parameters)
        section.append(list(route.parameters.map((one) => ["?" + one.name + "=1", one.description])));
      section.append(list(Object.entries(route.responses).map(([status, reply]) => [status, reply.description])));
      document.getElementById("routes").append(section);
    }
}).catch(() => {
  document.getElementById("about").prepend("The description cannot be loaded. ");
});
