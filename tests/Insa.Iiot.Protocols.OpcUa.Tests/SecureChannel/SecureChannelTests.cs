using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Tests.Pki;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.SecureChannel;

public sealed class SecureChannelTests
{
    public static TheoryData<string, int> Endpoints
    {
        get
        {
            var data = new TheoryData<string, int> { { "None", (int)MessageSecurityMode.None } };
            foreach (var policy in SecurityPolicy.All.Where(p => !p.IsNone))
            {
                data.Add(policy.Name, (int)MessageSecurityMode.Sign);
                data.Add(policy.Name, (int)MessageSecurityMode.SignAndEncrypt);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Endpoints))]
    public async Task Every_endpoint_can_be_connected_to_and_signed_in_to(string name, int mode)
    {
        await using var host = await OpcUaHost.StartAsync(options => options.AllowUnsecured = true);
        await using var channel = await TestChannel.OpenAsync(host, PolicyOf(name), (MessageSecurityMode)mode);
        await channel.SignInAsync();
        var closed = await channel.CallAsync<CloseSessionResponse>(new CloseSessionRequest { RequestHeader = channel.Header(9) });
        Assert.Equal(9u, closed.ResponseHeader!.RequestHandle);
    }

    [Theory]
    [InlineData(2048)]
    [InlineData(3072)]
    [InlineData(4096)]
    public async Task Clients_may_have_longer_keys_than_the_server(int bits)
    {
        await using var host = await OpcUaHost.StartAsync();
        using var certificate = TestAuthority.SelfSigned($"CN=Client {bits}", bits);
        host.Trust(certificate);
        await using var channel = await TestChannel.OpenAsync(
            host,
            SecurityPolicy.Aes256Sha256RsaPss,
            MessageSecurityMode.SignAndEncrypt,
            certificate
        );
        await channel.SignInAsync();
    }

    [Theory]
    [MemberData(nameof(Endpoints))]
    public async Task A_renewed_token_follows_the_old_one_without_a_gap(string name, int mode)
    {
        await using var host = await OpcUaHost.StartAsync(options => options.AllowUnsecured = true);
        await using var channel = await TestChannel.OpenAsync(host, PolicyOf(name), (MessageSecurityMode)mode);
        await channel.SignInAsync();
        var old = channel.TokenId;
        var sequence = channel.LastSequenceSeen;
        await channel.OpenAsync(SecurityTokenRequestType.Renew);
        Assert.NotEqual(old, channel.TokenId);

        // On its way when the token was renewed: taken, and answered under the token that the client is known to have.
        await channel.SendRawAsync(channel.Chunk(TestChannel.Encode(Endpoint(channel)), tokenId: old));
        await channel.ReadMessageAsync();
        Assert.Equal(old, channel.LastTokenSeen);
        Assert.Equal(sequence + 2, channel.LastSequenceSeen);

        await channel.CallAsync<GetEndpointsResponse>(Endpoint(channel));
        Assert.Equal(channel.TokenId, channel.LastTokenSeen);

        // Late, but it was sent before.
        await channel.SendRawAsync(channel.Chunk(TestChannel.Encode(Endpoint(channel)), tokenId: old));
        await channel.ReadMessageAsync();
        Assert.Equal(channel.TokenId, channel.LastTokenSeen);
    }

    [Fact]
    public async Task The_lifetime_of_a_token_is_revised_into_what_is_allowed()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var longer = await TestChannel.OpenAsync(host, lifetime: uint.MaxValue);
        Assert.Equal(3_600_000u, longer.Lifetime);
        await using var none = await TestChannel.OpenAsync(host, lifetime: 0);
        Assert.Equal(3_600_000u, none.Lifetime);
        await using var shorter = await TestChannel.OpenAsync(host, lifetime: 1);
        Assert.Equal(10_000u, shorter.Lifetime);
    }

    [Fact]
    public async Task An_untrusted_client_is_refused_without_a_reason_and_its_certificate_is_kept()
    {
        await using var host = await OpcUaHost.StartAsync();
        using var stranger = TestAuthority.SelfSigned("CN=Stranger");
        Assert.Equal(StatusCodes.BadSecurityChecksFailed, await RefusalAsync(host, certificate: stranger));
        Assert.Single(Directory.GetFiles(host.Folders.Rejected));
    }

    [Fact]
    public async Task A_certificate_that_is_out_of_time_or_use_is_told_so()
    {
        await using var host = await OpcUaHost.StartAsync();
        using var expired = TestAuthority.SelfSigned("CN=Expired", to: new DateTimeOffset(2026, 1, 2, 0, 0, 0, TimeSpan.Zero));
        host.Trust(expired);
        Assert.Equal(StatusCodes.BadCertificateTimeInvalid, await RefusalAsync(host, certificate: expired));
    }

    [Fact]
    public async Task What_is_not_offered_is_refused()
    {
        await using var host = await OpcUaHost.StartAsync(options =>
        {
            options.AllowSignOnly = false;
            options.SecurityPolicies.Remove(OpcUaSecurityPolicy.Aes128Sha256RsaOaep);
        });
        Assert.Equal(StatusCodes.BadSecurityPolicyRejected, await RefusalAsync(host, SecurityPolicy.Aes128Sha256RsaOaep));
        Assert.Equal(StatusCodes.BadSecurityModeRejected, await RefusalAsync(host, mode: MessageSecurityMode.Sign));
    }

    [Fact]
    public async Task A_mode_that_is_not_the_policys_is_refused()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = new TestChannel();
        await channel.ConnectAsync(host.Endpoint);
        await channel.HelloAsync();
        await channel.SendRawAsync(channel.OpenChunkOf(mode: MessageSecurityMode.SignAndEncrypt));
        Assert.Equal(StatusCodes.BadSecurityModeRejected, await channel.ReadErrorAsync());
    }

    [Fact]
    public async Task A_nonce_of_another_length_or_used_before_is_refused()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = Secured(host);
        await channel.ConnectAsync(host.Endpoint);
        await channel.HelloAsync();
        await channel.SendRawAsync(channel.OpenChunkOf(nonce: new byte[16]));
        Assert.Equal(StatusCodes.BadNonceInvalid, await channel.ReadErrorAsync());

        await using var second = Secured(host);
        await second.ConnectAsync(host.Endpoint);
        await second.HelloAsync();
        var nonce = new byte[32];
        await second.OpenAsync(nonce: nonce);
        await second.SendRawAsync(second.OpenChunkOf(SecurityTokenRequestType.Renew, nonce: nonce));
        Assert.Equal(StatusCodes.BadNonceInvalid, await second.ReadErrorAsync());
    }

    [Fact]
    public async Task A_tampered_request_to_open_is_refused()
    {
        await using var host = await OpcUaHost.StartAsync();
        foreach (var place in new[] { 1, 200, 300 })
        {
            await using var channel = Secured(host);
            await channel.ConnectAsync(host.Endpoint);
            await channel.HelloAsync();
            var chunk = channel.OpenChunkOf(nonce: new byte[32]);
            chunk[^place] ^= 1;
            await channel.SendRawAsync(chunk);
            Assert.Equal(StatusCodes.BadSecurityChecksFailed, await channel.ReadErrorAsync());
        }
    }

    [Theory]
    [InlineData((int)MessageSecurityMode.Sign)]
    [InlineData((int)MessageSecurityMode.SignAndEncrypt)]
    public async Task A_tampered_message_ends_the_connection(int mode)
    {
        await using var host = await OpcUaHost.StartAsync();
        foreach (var place in new[] { 16, 20, 30, 60 })
        {
            await using var channel = await TestChannel.OpenAsync(host, SecurityPolicy.Basic256Sha256, (MessageSecurityMode)mode);
            var chunk = channel.Chunk(TestChannel.Encode(Endpoint(channel)));
            chunk[place] ^= 1;
            await channel.SendRawAsync(chunk);
            Assert.Equal(StatusCodes.BadSecurityChecksFailed, await channel.ReadErrorAsync());
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(1000)]
    public async Task A_gap_in_the_sequence_or_a_repetition_ends_the_connection(uint step)
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, SecurityPolicy.Basic256Sha256, MessageSecurityMode.Sign);
        channel.Sequence += step - 1;
        await channel.SendAsync(Endpoint(channel));
        Assert.Equal(StatusCodes.BadSecurityChecksFailed, await channel.ReadErrorAsync());
    }

    [Fact]
    public async Task The_sequence_may_begin_anywhere_and_start_again_more_than_once()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = new TestChannel { Sequence = uint.MaxValue - 2 };
        await channel.ConnectAsync(host.Endpoint);
        await channel.HelloAsync();
        await channel.OpenAsync();
        Assert.Equal(uint.MaxValue - 1, channel.Sequence);
        channel.Sequence = 1022;
        await channel.CallAsync<GetEndpointsResponse>(Endpoint(channel));
        await channel.CallAsync<GetEndpointsResponse>(Endpoint(channel));
        channel.Sequence = 5;
        await channel.SendAsync(Endpoint(channel));
        Assert.Equal(StatusCodes.BadSecurityChecksFailed, await channel.ReadErrorAsync());
    }

    [Fact]
    public async Task Another_channel_or_token_ends_the_connection()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host);
        channel.ChannelId++;
        await channel.SendAsync(Endpoint(channel));
        Assert.Equal(StatusCodes.BadTcpSecureChannelUnknown, await channel.ReadErrorAsync());

        await using var second = await TestChannel.OpenAsync(host);
        second.TokenId += 7;
        await second.SendAsync(Endpoint(second));
        Assert.Equal(StatusCodes.BadSecureChannelTokenUnknown, await second.ReadErrorAsync());
    }

    [Fact]
    public async Task A_channel_is_not_opened_twice_and_not_renewed_before_it_is_open()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host);
        await channel.SendRawAsync(channel.OpenChunkOf(SecurityTokenRequestType.Issue));
        Assert.Equal(StatusCodes.BadRequestTypeInvalid, await channel.ReadErrorAsync());

        await using var second = new TestChannel();
        await second.ConnectAsync(host.Endpoint);
        await second.HelloAsync();
        await second.SendRawAsync(second.OpenChunkOf(SecurityTokenRequestType.Renew));
        Assert.Equal(StatusCodes.BadRequestTypeInvalid, await second.ReadErrorAsync());
    }

    [Fact]
    public async Task A_closed_channel_is_gone_without_an_answer()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, SecurityPolicy.Basic256Sha256, MessageSecurityMode.SignAndEncrypt);
        var close = TestChannel.Encode(new CloseSecureChannelRequest { RequestHeader = new RequestHeader() });
        await channel.SendRawAsync(channel.Chunk(close, "CLOF"));
        await channel.ReadToEndAsync();
    }

    [Fact]
    public async Task A_large_answer_comes_in_chunks_that_the_client_takes()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(
            host,
            SecurityPolicy.Aes256Sha256RsaPss,
            MessageSecurityMode.SignAndEncrypt,
            receiveBytes: 8192
        );
        var url = "opc.tcp://" + new string('x', 2000);
        var response = await channel.CallAsync<GetEndpointsResponse>(
            new GetEndpointsRequest { RequestHeader = new RequestHeader(), EndpointUrl = url }
        );
        Assert.Equal(6, response.Endpoints!.Length);
        Assert.True(channel.Chunks > 3);
    }

    [Fact]
    public async Task An_answer_of_more_chunks_than_the_client_takes_is_a_fault()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, receiveBytes: 8192, maxChunks: 1);
        var url = "opc.tcp://" + new string('x', 2000);
        Assert.Equal(
            StatusCodes.BadResponseTooLarge,
            await channel.FaultAsync(new GetEndpointsRequest { RequestHeader = new RequestHeader(), EndpointUrl = url })
        );

        // And the channel goes on.
        Assert.Equal(StatusCodes.BadServiceUnsupported, await channel.FaultAsync(new QueryProbe()));
    }

    [Fact]
    public async Task A_small_client_can_make_a_session()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(
            host,
            SecurityPolicy.Basic256Sha256,
            MessageSecurityMode.SignAndEncrypt,
            receiveBytes: 8192,
            maxChunks: 1
        );
        await channel.SignInAsync();
    }

    [Fact]
    public async Task A_request_may_come_in_many_chunks()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, SecurityPolicy.Basic256Sha256, MessageSecurityMode.SignAndEncrypt);
        var message = TestChannel.Encode(Endpoint(channel));
        for (var i = 0; i < message.Length - 1; i += 10)
            await channel.SendRawAsync(channel.Chunk(message[i..Math.Min(i + 10, message.Length - 1)], "MSGC", requestId: 77));
        await channel.SendRawAsync(channel.Chunk(message[^1..], "MSGF", requestId: 77));
        TestChannel.Decode<GetEndpointsResponse>(await channel.ReadMessageAsync());

        // One that is given up is forgotten.
        await channel.SendRawAsync(channel.Chunk(message[..10], "MSGC", requestId: 78));
        await channel.SendRawAsync(channel.Chunk(new byte[8], "MSGA", requestId: 78));
        await channel.CallAsync<GetEndpointsResponse>(Endpoint(channel));
    }

    internal static GetEndpointsRequest Endpoint(TestChannel channel) =>
        new() { RequestHeader = channel.Header(), EndpointUrl = "opc.tcp://localhost" };

    internal static SecurityPolicy PolicyOf(string name) => SecurityPolicy.All.Single(p => p.Name == name);

    private static TestChannel Secured(OpcUaHost host) =>
        new(SecurityPolicy.Basic256Sha256, MessageSecurityMode.SignAndEncrypt, OpcUaHost.ClientCertificate, host.Certificate.Der);

    private static async Task<StatusCode> RefusalAsync(
        OpcUaHost host,
        SecurityPolicy? policy = null,
        MessageSecurityMode mode = MessageSecurityMode.SignAndEncrypt,
        System.Security.Cryptography.X509Certificates.X509Certificate2? certificate = null
    )
    {
        var refused = await Assert.ThrowsAsync<TestChannel.RefusedException>(() =>
            TestChannel.OpenAsync(host, policy ?? SecurityPolicy.Basic256Sha256, mode, certificate)
        );
        return refused.Status;
    }
}
