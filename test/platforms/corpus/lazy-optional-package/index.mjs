import { speak } from 'speaker-of-ours'

export default { fetch: (request) => new Response(speak(new URL(request.url).searchParams.get('with'))) }
