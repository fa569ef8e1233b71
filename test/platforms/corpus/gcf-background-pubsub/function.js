exports.greet = (message, context) => ({ name: Buffer.from(message.data, 'base64').toString(), type: context.eventType })
exports.other = () => 'other'
