// No search index: it would need a worker from a blob, which the page's policy does not allow.
const options = {
  disableSearch: true,
  hideDownloadButtons: false,
  requiredPropsFirst: true,
  sortTagsAlphabetically: false,
  jsonSamplesExpandLevel: 3,
}
Redoc.init("/api/v1/openapi.json", options, document.getElementById("reference"))
