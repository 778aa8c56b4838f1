using Insa.Iiot.AspNetCore.Idempotency;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Insa.Iiot.AspNetCore.Http;

/// <summary>What endpoints take besides their body and parameters; the OpenAPI document tells of it.</summary>
internal static class EndpointTraits
{
    /// <summary>Takes <c>If-Match</c>.</summary>
    public static RouteHandlerBuilder TakesVersion(this RouteHandlerBuilder endpoint) => endpoint.WithMetadata(new VersionTrait());

    /// <summary>Takes <c>Idempotency-Key</c>: a request that comes again is not done again.</summary>
    public static RouteHandlerBuilder TakesIdempotencyKey(this RouteHandlerBuilder endpoint) =>
        endpoint.WithMetadata(new IdempotencyTrait()).AddEndpointFilter<IdempotencyFilter>();
}
