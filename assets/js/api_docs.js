// Requests tried out on this page use the browser's session, so they carry its token against forged requests.
const csrfToken = document.querySelector("meta[name=csrf-token]").content

SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "list",
  validatorUrl: null,
  requestInterceptor: (request) => {
    if (csrfToken) {
      request.headers["X-CSRF-Token"] = csrfToken
    }
    return request
  },
})
