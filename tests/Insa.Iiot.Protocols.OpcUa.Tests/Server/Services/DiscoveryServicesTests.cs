using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Pki;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Server.Services;

/// <summary>GetEndpoints and FindServers as strangers call them, without security and without a session.</summary>
public sealed class DiscoveryServicesTests
{
    private const string Transport = "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary";

    [Theory]
    [InlineData("opc.tcp://nobody.knows.this:4840", "opc.tcp://nobody.knows.this:4840")]
    [InlineData("opc.tcp://192.0.2.7:4840/path", "opc.tcp://192.0.2.7:4840/path")]
    [InlineData("this is no address", "this is no address")]
    [InlineData(null, null)]
    [InlineData("", null)]
    public async Task Endpoints_have_the_address_that_the_client_uses_whatever_it_is(string? asked, string? told)
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host);
        var endpoints = await EndpointsAsync(channel, asked);
        Assert.Equal(6, endpoints.Length);
        Assert.All(endpoints, endpoint => Assert.Equal(told ?? host.Url, endpoint.EndpointUrl));
        var server = Assert.Single(await ServersAsync(channel, asked));
        Assert.Equal([told ?? host.Url], server.DiscoveryUrls!);
    }

    [Theory]
    [InlineData(new string[0], 6)]
    [InlineData(new[] { Transport }, 6)]
    [InlineData(new[] { "http://example.com/another", Transport }, 6)]
    [InlineData(new[] { "http://example.com/another" }, 0)]
    public async Task Endpoints_are_those_of_the_transports_that_are_asked_for(string[] profiles, int expected)
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host);
        Assert.Equal(expected, (await EndpointsAsync(channel, host.Url, profiles: profiles)).Length);
    }

    [Theory]
    [InlineData("en")]
    [InlineData("en-US", "xx-YY")]
    [InlineData("this is no language", "", "-")]
    public async Task Languages_do_not_matter_where_there_is_one(params string[] locales)
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host);
        Assert.All(
            await EndpointsAsync(channel, host.Url, locales),
            endpoint => Assert.Equal(new LocalizedText("en", "Insa.Iiot"), endpoint.Server.ApplicationName)
        );
        Assert.Equal(new LocalizedText("en", "Insa.Iiot"), Assert.Single(await ServersAsync(channel, host.Url, locales)).ApplicationName);
    }

    [Fact]
    public async Task The_server_is_called_the_same_everywhere()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host);
        var endpoints = await EndpointsAsync(channel, host.Url);
        var server = Assert.Single(await ServersAsync(channel, host.Url));
        Assert.All(endpoints, endpoint => Assert.Equal(server.ApplicationUri, endpoint.Server.ApplicationUri));
        Assert.True(CertificateNames.HasApplicationUri(host.Certificate.Certificate, server.ApplicationUri!));
        Assert.Equal(ApplicationType.Server, server.ApplicationType);
        Assert.All(endpoints, endpoint => Assert.Equal(Transport, endpoint.TransportProfileUri));
    }

    [Theory]
    [InlineData(new string[0], 1)]
    [InlineData(new[] { "urn:test:server" }, 1)]
    [InlineData(new[] { "urn:test:other", "urn:test:server" }, 1)]
    [InlineData(new[] { "urn:test:other" }, 0)]
    public async Task Servers_are_found_by_their_uri(string[] uris, int expected)
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host);
        Assert.Equal(expected, (await ServersAsync(channel, host.Url, uris: uris)).Length);
    }

    [Fact]
    public async Task A_token_of_a_session_in_the_header_is_of_no_matter()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host);
        channel.SessionToken = NodeId.OfString(1, "of no session");
        Assert.Equal(6, (await EndpointsAsync(channel, host.Url)).Length);
        Assert.Single(await ServersAsync(channel, host.Url));
    }

    [Fact]
    public async Task Whoever_asks_again_and_again_is_answered()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host);
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(6, (await EndpointsAsync(channel, "this is no address")).Length);
            Assert.Single(await ServersAsync(channel, host.Url));
        }
    }

    private static async Task<EndpointDescription[]> EndpointsAsync(
        TestChannel channel,
        string? url,
        string[]? locales = null,
        string[]? profiles = null
    )
    {
        var response = await channel.CallAsync<GetEndpointsResponse>(
            new GetEndpointsRequest
            {
                RequestHeader = channel.Header(),
                EndpointUrl = url,
                LocaleIds = locales,
                ProfileUris = profiles,
            }
        );
        return response.Endpoints!;
    }

    private static async Task<ApplicationDescription[]> ServersAsync(
        TestChannel channel,
        string? url,
        string[]? locales = null,
        string[]? uris = null
    )
    {
        var response = await channel.CallAsync<FindServersResponse>(
            new FindServersRequest
            {
                RequestHeader = channel.Header(),
                EndpointUrl = url,
                LocaleIds = locales,
                ServerUris = uris,
            }
        );
        return response.Servers!;
    }
}
