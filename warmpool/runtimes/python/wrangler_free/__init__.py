"""What handlers may import: `from wrangler_free import Response`. The rest of this package is the runtime's own."""
from .response import Response
from .request import Request

__all__ = ['Request', 'Response']
