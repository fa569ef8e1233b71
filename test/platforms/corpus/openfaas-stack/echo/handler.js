module.exports = async (event, context) => ({ path: event.path, body: event.body })
