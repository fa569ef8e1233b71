const functions = require('@google-cloud/functions-framework')
functions.cloudEvent('onFile', (event) => `${event.type} ${event.subject} ${event.data.name}`)
