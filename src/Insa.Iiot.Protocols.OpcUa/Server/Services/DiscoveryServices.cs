using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Server.Services;

/// <summary>Tells clients where and how they can connect (Part 4 §5.5). Needs no session and no security.</summary>
internal sealed class DiscoveryServices(EndpointTable endpoints, ServerIdentity server) : IServiceModule
{
    public void Register(ServiceTable table)
    {
        table.Add<GetEndpointsRequest>(GetEndpoints, SessionRule.None);
        table.Add<FindServersRequest>(FindServers, SessionRule.None);
    }

    private void GetEndpoints(RequestContext context, GetEndpointsRequest request)
    {
        var profiles = request.ProfileUris ?? [];
        var isOurs = profiles.Length == 0 || profiles.Contains(EndpointTable.BinaryTransport, StringComparer.Ordinal);
        context.Respond(
            new GetEndpointsResponse
            {
                ResponseHeader = context.MakeHeader(),
                Endpoints = isOurs ? endpoints.Describe(UrlOf(context, request.EndpointUrl)) : [],
            }
        );
    }

    private void FindServers(RequestContext context, FindServersRequest request)
    {
        var uris = request.ServerUris ?? [];
        var isOurs = uris.Length == 0 || uris.Contains(server.ApplicationUri, StringComparer.Ordinal);
        context.Respond(
            new FindServersResponse
            {
                ResponseHeader = context.MakeHeader(),
                Servers = isOurs ? [server.Describe(EndpointTable.UrlOf(UrlOf(context, request.EndpointUrl)))] : [],
            }
        );
    }

    private static string UrlOf(RequestContext context, string? asked) => string.IsNullOrEmpty(asked) ? context.Channel.EndpointUrl : asked;
}
