// Where in its buffer the input lies, and how large that is.
export default (input) => [input.byteOffset, input.buffer.byteLength]
