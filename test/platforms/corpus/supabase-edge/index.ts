// Setup type definitions for built-in Supabase Runtime APIs
import 'jsr:@supabase/functions-js/edge-runtime.d.ts'
import { corsHeaders } from './cors.ts'

Deno.serve(async (req) => {
  if (req.method === 'OPTIONS') return new Response('ok', { headers: corsHeaders })
  const { name } = await req.json()
  return new Response(JSON.stringify({ message: `Hello ${name} from Functions!` }), { headers: { ...corsHeaders, 'Content-Type': 'application/json' } })
})
