using System.Net;
using System.Net.Sockets;
using Insa.Iiot.Tenancy.Delivery;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Tenancy.Tests;

[Trait("Category", "Peer")]
public sealed class SmtpInvitationSenderTests
{
    private const string Token = "plant.01.c2VjcmV0LXNlY3JldC1zZWNyZXQ";

    private readonly FakeLogger<SmtpInvitationSender> _logger = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 8, 0, 0, TimeSpan.Zero));

    [Fact]
    public async Task An_invitation_arrives_with_its_token_in_a_fragment()
    {
        await using var peer = await SmtpPeer.StartPlainAsync();
        await Sender(Plain(peer)).SendAsync(To("bob@example.com"), "Plant 7 <&> Söhne", Token);

        var received = await peer.ReadMessageAsync();
        Assert.Equal(("noreply@example.com", "bob@example.com"), (received.From, Assert.Single(received.To)));
        var message = received.Parse();
        Assert.Equal("Invitation to Plant 7 <&> Söhne", message.Subject);
        Assert.Equal(("Portal", "auto-generated"), (message.From[0].Name, message.Headers["Auto-Submitted"]));
        Assert.EndsWith("@example.com", message.MessageId, StringComparison.Ordinal);
        Assert.Equal(_time.GetUtcNow(), message.Date);
        Assert.Contains("invited to Plant 7 <&> Söhne.", message.TextBody, StringComparison.Ordinal);
        Assert.Contains("until 4 May 2026 08:00 UTC", message.TextBody, StringComparison.Ordinal);
        Assert.Contains($"https://portal.example.com/join?a=1&b=2#token={Token}", message.TextBody, StringComparison.Ordinal);
        Assert.Contains("Plant 7 &lt;&amp;&gt; S&#246;hne", message.HtmlBody, StringComparison.Ordinal);
        Assert.Contains(
            $"<a href=\"https://portal.example.com/join?a=1&amp;b=2#token={Token}\">",
            message.HtmlBody,
            StringComparison.Ordinal
        );
        NoSecretIn(Assert.Single(_logger.Collector.GetSnapshot()).Message);
    }

    [Theory]
    [InlineData(SmtpSecurity.StartTls)]
    [InlineData(SmtpSecurity.ImplicitTls)]
    public async Task Mail_goes_over_tls_with_a_login(SmtpSecurity security)
    {
        await using var peer = await SmtpPeer.StartTlsAsync(security == SmtpSecurity.ImplicitTls);
        await Sender(Tls(peer, options => options.Security = security)).SendAsync(To("bob@example.com"), "Plant 7", Token);

        var received = await peer.ReadMessageAsync();
        Assert.Equal((true, SmtpPeer.User, "bob@example.com"), (received.Secure, received.User, received.To[0]));
        Assert.Contains(Token, received.Parse().TextBody, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_password_is_told_and_not_repeated()
    {
        await using var peer = await SmtpPeer.StartTlsAsync();
        var e = await FailsAsync(Tls(peer, options => options.Password = "hunter-2000"), "bob@example.com");
        Assert.False(e.IsTransient);
        Assert.Contains("refused the login", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter-2000", e.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_that_is_not_trusted_gets_nothing()
    {
        await using var peer = await SmtpPeer.StartTlsAsync();
        var stranger = Tls(peer, options => options.TrustedRoots.Clear());
        Assert.Contains("trusted", (await FailsAsync(stranger, "bob@example.com")).Message, StringComparison.Ordinal);
        var misnamed = Tls(peer, options => options.Host = "127.0.0.1");
        Assert.Contains("trusted", (await FailsAsync(misnamed, "bob@example.com")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_without_starttls_gets_nothing()
    {
        await using var peer = await SmtpPeer.StartPlainAsync();
        var options = Plain(peer);
        options.Security = SmtpSecurity.StartTls;
        var e = await FailsAsync(options, "bob@example.com");
        Assert.False(e.IsTransient);
        Assert.Contains("STARTTLS", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nobody@example.com", "refused the recipient (550)", false)]
    [InlineData("full@example.com", "refused the recipient (452)", true)]
    [InlineData("echo@example.com", "refused (554)", false)]
    public async Task A_refusal_is_told_with_its_code_and_whether_it_lasts(string address, string reason, bool isTransient)
    {
        await using var peer = await SmtpPeer.StartPlainAsync();
        var e = await FailsAsync(Plain(peer), address);
        Assert.Equal(isTransient, e.IsTransient);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_away_may_come_back()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        var e = await FailsAsync(Loopback(port), "bob@example.com");
        Assert.True(e.IsTransient);
        Assert.Contains("cannot be reached", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_hangs_with_the_message_in_hand_is_given_up()
    {
        await using var peer = await SmtpPeer.StartPlainAsync();
        var failure = FailsAsync(Plain(peer), "hang@example.com");
        await peer.ReadAsync("hanging");
        _time.Advance(TimeSpan.FromSeconds(30));
        var e = await failure;
        Assert.True(e.IsTransient);
        Assert.Contains("within 00:00:30", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_never_greets_is_given_up()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var failure = FailsAsync(Loopback(((IPEndPoint)listener.LocalEndpoint).Port), "bob@example.com");
        using var silent = await listener.AcceptTcpClientAsync();
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.True((await failure).IsTransient);
    }

    [Fact]
    public async Task Who_cancels_gets_a_cancellation()
    {
        await using var peer = await SmtpPeer.StartPlainAsync();
        using var cancellation = new CancellationTokenSource();
        var sending = Sender(Plain(peer)).SendAsync(To("hang@example.com"), "Plant 7", Token, cancellation.Token);
        await peer.ReadAsync("hanging");
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await sending);
    }

    [Theory]
    [InlineData("Plant\r\nBcc: eve@example.com")]
    [InlineData("Plant\nBcc: eve@example.com\n\nBody")]
    [InlineData("Plant\rBcc: eve@example.com")]
    [InlineData("Plant\u2028Bcc: eve@example.com\u0085Bcc: eve@example.com")]
    [InlineData("=?utf-8?Q?Plant=0D=0ABcc:_eve@example.com?=")]
    [InlineData("Söhne\r\nBcc: eve@example.com")]
    public async Task A_tenants_name_makes_no_header(string name)
    {
        await using var peer = await SmtpPeer.StartPlainAsync();
        await Sender(Plain(peer)).SendAsync(To("bob@example.com"), name, Token);

        var received = await peer.ReadMessageAsync();
        Assert.Equal("bob@example.com", Assert.Single(received.To));
        Assert.DoesNotContain(received.Headers, line => line.StartsWith("Bcc", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(
            ["Auto-Submitted", "Date", "From", "MIME-Version", "Message-Id", "Subject", "To"],
            received.Parse().Headers.Select(header => header.Field).Order(StringComparer.Ordinal)
        );
    }

    [Theory]
    [InlineData("bob@example.com\r\nRCPT TO:<eve@example.com>")]
    [InlineData("bob@example.com,eve@example.com")]
    [InlineData("bob@example.com>")]
    [InlineData("team:bob@example.com;")]
    [InlineData("bob")]
    [InlineData("")]
    public async Task What_is_not_one_address_gets_no_mail(string address) =>
        Assert.False((await FailsAsync(Loopback(port: 9), address)).IsTransient);

    private static Invitation To(string email) =>
        new(
            "01",
            TenancyWorld.Plant,
            email,
            ["viewer"],
            "ann",
            new DateTime(2026, 5, 4, 8, 0, 0, DateTimeKind.Utc),
            InvitationState.Open,
            1
        );

    private static SmtpInvitationOptions Plain(SmtpPeer peer) => Loopback(peer.Port);

    private static SmtpInvitationOptions Loopback(int port) =>
        new()
        {
            Host = "127.0.0.1",
            Port = port,
            Security = SmtpSecurity.None,
            FromAddress = "noreply@example.com",
            FromName = "Portal",
            AcceptUrl = new Uri("https://portal.example.com/join?a=1&b=2"),
        };

    private static SmtpInvitationOptions Tls(SmtpPeer peer, Action<SmtpInvitationOptions> change)
    {
        var options = Loopback(peer.Port);
        (options.Host, options.Security, options.User, options.Password) = (
            "localhost",
            SmtpSecurity.StartTls,
            SmtpPeer.User,
            SmtpPeer.Password
        );
        options.TrustedRoots.Add(peer.Certificate!);
        change(options);
        return options;
    }

    private SmtpInvitationSender Sender(SmtpInvitationOptions options)
    {
        _logger.ControlLevel(LogLevel.Trace, enabled: true);
        return new SmtpInvitationSender(Options.Create(options), _time, _logger);
    }

    private async Task<InvitationDeliveryException> FailsAsync(SmtpInvitationOptions options, string address)
    {
        var e = await Assert.ThrowsAsync<InvitationDeliveryException>(async () =>
            await Sender(options).SendAsync(To(address), "Plant 7", Token)
        );
        NoSecretIn(e.ToString());
        Assert.All(_logger.Collector.GetSnapshot(), record => NoSecretIn($"{record.Message} {record.Exception}"));
        return e;
    }

    private static void NoSecretIn(string text)
    {
        Assert.DoesNotContain("c2VjcmV0", text, StringComparison.Ordinal);
        Assert.DoesNotContain(SmtpPeer.Password, text, StringComparison.Ordinal);
    }
}
