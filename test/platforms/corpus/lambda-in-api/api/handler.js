const { shout } = require('./shout')
exports.handler = async (event) => ({ statusCode: 200, body: shout(event.rawPath) })
