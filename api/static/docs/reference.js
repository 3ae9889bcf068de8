"use strict";

const place = document.getElementById("redoc");
Redoc.init(
  place.dataset.document,
  {
    disableSearch: false,
    generatedPayloadSamplesMaxDepth: 2,
    hideDownloadButton: true,
    jsonSampleExpandLevel: 1,
    maxDisplayedEnumValues: 8,
    nativeScrollbars: true,
    requiredPropsFirst: true,
    schemaExpansionLevel: 0,
    scrollYOffset: ".bar",
    sortTagsAlphabetically: false,
  },
  place
);
