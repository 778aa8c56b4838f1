using System.Net;
using System.Net.Sockets;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Client;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Client;

/// <summary>Our client's channel to our own server, and to servers that are none.</summary>
public sealed class ClientChannelTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("None", "None")]
    [InlineData("Basic256Sha256", "Sign")]
    [InlineData("Basic256Sha256", "SignAndEncrypt")]
    [InlineData("Aes128_Sha256_RsaOaep", "SignAndEncrypt")]
    [InlineData("Aes256_Sha256_RsaPss", "SignAndEncrypt")]
    public async Task It_calls_services_over_every_kind_of_channel(string name, string mode)
    {
        await using var host = await OpcUaHost.StartAsync();
        host.Trust(host.Certificate.Certificate);
        var policy = SecurityPolicy.All.Single(one => one.Name == name);
        var endpoint = new ClientEndpoint(
            new Uri(host.Url),
            policy,
            Enum.Parse<MessageSecurityMode>(mode),
            policy.IsNone ? [] : host.Certificate.Der
        );
        await using var channel = await ClientChannel.OpenAsync(endpoint, host.Certificate, TimeProvider.System, Cancellation);
        for (var i = 0; i < 3; i++)
        {
            var response = await channel.CallAsync<GetEndpointsResponse>(
                new GetEndpointsRequest { RequestHeader = channel.MakeHeader(), EndpointUrl = host.Url },
                Cancellation
            );
            Assert.Equal(6, response.Endpoints!.Length);
        }

        var fault = await Assert.ThrowsAsync<ClientException>(() =>
            channel.CallAsync<ReadResponse>(new ReadRequest { RequestHeader = channel.MakeHeader() }, Cancellation)
        );
        Assert.False(fault.Status.IsGood);
        await channel.CloseAsync(Cancellation);
    }

    [Fact]
    public async Task A_server_with_another_certificate_is_not_talked_to()
    {
        await using var host = await OpcUaHost.StartAsync();
        host.Trust(host.Certificate.Certificate);
        var endpoint = new ClientEndpoint(
            new Uri(host.Url),
            SecurityPolicy.Basic256Sha256,
            MessageSecurityMode.SignAndEncrypt,
            OpcUaHost.ClientCertificate.RawData
        );
        await Assert.ThrowsAsync<ClientException>(() =>
            ClientChannel.OpenAsync(endpoint, host.Certificate, TimeProvider.System, Cancellation)
        );
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n")]
    [InlineData("ACKF\u001c\0\0\0")]
    [InlineData("ACKF\u0004\0\0\0")]
    [InlineData("MSGF\u000c\0\0\0abcd")]
    [InlineData("ERRF\u000c\0\0\0\0\0\u007d\u0080")]
    [InlineData("ERRF\u000c\0\0\0\0\0\0\0")]
    [InlineData(
        "ACKF\u001c\0\0\0\0\0\0\0\0\0\u0001\0\0\0\u0001\0\0\0\0\0\0\0\0\0OPNF\u0010\0\0\0\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff"
    )]
    [InlineData("")]
    public async Task What_is_no_server_is_an_error_like_any_other(string answer)
    {
        await using var host = await OpcUaHost.StartAsync();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var answering = AnswerAsync(listener, System.Text.Encoding.Latin1.GetBytes(answer));
        var url = new Uri($"opc.tcp://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
        var thrown = await Assert.ThrowsAnyAsync<Exception>(() =>
            ClientChannel.OpenAsync(ClientEndpoint.Unsecured(url), host.Certificate, TimeProvider.System, Cancellation)
        );
        Assert.True(thrown is ClientException or IOException, thrown.ToString());
        Assert.NotEqual(StatusCodes.Good, (thrown as ClientException)?.Status ?? StatusCodes.BadConnectionClosed);
        await answering;
    }

    [Fact]
    public async Task Requests_larger_than_the_server_takes_are_not_sent()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await ClientChannel.OpenAsync(
            ClientEndpoint.Unsecured(new Uri(host.Url)),
            host.Certificate,
            TimeProvider.System,
            Cancellation
        );
        var request = new GetEndpointsRequest { RequestHeader = channel.MakeHeader(), EndpointUrl = new string('x', 70_000) };
        var thrown = await Assert.ThrowsAsync<ClientException>(() => channel.CallAsync<GetEndpointsResponse>(request, Cancellation));
        Assert.Equal(StatusCodes.BadRequestTooLarge, thrown.Status);
    }

    private static async Task AnswerAsync(TcpListener listener, byte[] answer)
    {
        using var peer = await listener.AcceptTcpClientAsync(Cancellation);
        var stream = peer.GetStream();
        await stream.ReadExactlyAsync(new byte[32], Cancellation);
        await stream.WriteAsync(answer, Cancellation);
        peer.Client.Shutdown(SocketShutdown.Send);

        // Until the other side has gone.
        await stream.CopyToAsync(Stream.Null, Cancellation);
    }
}
