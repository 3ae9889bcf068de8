"use strict";

/** Examples of optional parameters are told, not filled in: a first try asks for no more than the address. */
function toldExamples(document) {
  for (const parameter of Object.values(document.components?.parameters ?? {})) {
    if (!parameter.required && parameter.examples) {
      const values = Object.values(parameter.examples).map((example) => "`" + example.value + "`");
      parameter.description += " For example: " + values.join(", ") + ".";
      delete parameter.examples;
    }
  }
  return document;
}

async function open(place) {
  const answer = await fetch(place.dataset.document);
  SwaggerUIBundle({
    spec: toldExamples(await answer.json()),
    domNode: place,
    deepLinking: true,
    defaultModelsExpandDepth: -1,
    displayRequestDuration: true,
    docExpansion: "none",
    filter: true,
    layout: "BaseLayout",
    presets: [SwaggerUIBundle.presets.apis],
    tryItOutEnabled: true,
    validatorUrl: null,
  });
}

open(document.getElementById("swagger-ui"));
