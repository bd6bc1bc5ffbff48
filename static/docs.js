// Starts Swagger UI on the page of the API's documentation. No inline script: the content security policy forbids it.
const docs = document.getElementById("docs");
window.ui = SwaggerUIBundle({ domNode: docs, url: docs.dataset.schema, deepLinking: true, tryItOutEnabled: true });
