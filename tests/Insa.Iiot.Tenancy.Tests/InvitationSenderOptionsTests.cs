using Insa.Iiot.Tenancy.Delivery;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Tenancy.Tests;

public sealed class InvitationSenderOptionsTests
{
    public static TheoryData<string, Action<SmtpInvitationOptions>> Wrong =>
        new()
        {
            { "Host", options => options.Host = "" },
            { "Host", options => options.Host = "mail.example.com:25" },
            { "Port", options => options.Port = 0 },
            { "Security", options => options.Security = SmtpSecurity.None },
            { "Security", options => options.Security = (SmtpSecurity)7 },
            { "Password", options => options.User = "ann" },
            { "Password", options => options.Password = "secret" },
            { "Timeout", options => options.Timeout = TimeSpan.FromMinutes(3) },
            { "FromAddress", options => options.FromAddress = "" },
            { "FromAddress", options => options.FromAddress = "a@example.com\r\nBcc: eve@example.com" },
            { "FromName", options => options.FromName = "Portal\r\nBcc: eve@example.com" },
            { "AcceptUrl", options => options.AcceptUrl = null },
            { "AcceptUrl", options => options.AcceptUrl = new Uri("/join", UriKind.Relative) },
            { "AcceptUrl", options => options.AcceptUrl = new Uri("http://portal.example.com/join") },
            { "AcceptUrl", options => options.AcceptUrl = new Uri("https://ann@portal.example.com/join") },
            { "AcceptUrl", options => options.AcceptUrl = new Uri("https://portal.example.com/join#a") },
            { "Subject", options => options.Subject = "Join\r\nBcc: eve@example.com" },
            { "Subject", options => options.Subject = "Join {link}" },
            { "Text", options => options.Text = "Join us." },
        };

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public void A_wrong_option_is_named(string option, Action<SmtpInvitationOptions> change)
    {
        using var services = new ServiceCollection()
            .AddLogging()
            .AddIiot()
            .AddSmtpInvitations(options =>
            {
                Right(options);
                change(options);
            })
            .Services.BuildServiceProvider();
        var e = Assert.Throws<OptionsValidationException>(() => services.GetRequiredService<IStartupValidator>().Validate());
        Assert.Contains(option, Assert.Single(e.Failures), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public void A_server_on_the_same_machine_needs_no_tls(string host)
    {
        var options = new SmtpInvitationOptions();
        Right(options);
        (options.Host, options.Security) = (host, SmtpSecurity.None);
        options.AcceptUrl = new Uri("http://localhost:5000/join");
        Assert.True(new SmtpInvitationOptionsValidator().Validate(null, options).Succeeded);
    }

    [Fact]
    public void The_last_sender_that_was_added_is_used_and_adding_it_twice_is_harmless()
    {
        using var services = new ServiceCollection()
            .AddLogging()
            .AddIiot()
            .AddConsoleInvitations()
            .AddSmtpInvitations(Right)
            .AddSmtpInvitations(_ => { })
            .Services.BuildServiceProvider();
        Assert.IsType<SmtpInvitationSender>(services.GetRequiredService<IInvitationSender>());
        Assert.Equal(2, services.GetServices<IInvitationSender>().Count());
    }

    [Fact]
    public async Task The_console_gets_one_line_with_address_tenant_and_token()
    {
        await using var output = new StringWriter { NewLine = "\n" };
        var invitation = new Invitation("01", TenancyWorld.Plant, "bob@example.com", [], "ann", default, InvitationState.Open, 1);
        await new ConsoleInvitationSender(output).SendAsync(invitation, "Plant\u001b[2J\n7", "plant.01.secret");
        Assert.Equal("Invitation of bob@example.com to Plant [2J 7: plant.01.secret\n", output.ToString());
    }

    [Fact]
    public void What_is_filled_in_is_never_a_placeholder()
    {
        var options = new SmtpInvitationOptions();
        Right(options);
        var invitation = new Invitation("01", TenancyWorld.Plant, "bob@example.com", [], "ann", default, InvitationState.Open, 1);
        Assert.True(InvitationMail.TryReadAddress("bob@example.com", out var bob));
        using var message = InvitationMail.Write(options, bob, invitation, "{link}{expires}", "plant.01.secret", default);
        Assert.Equal("Invitation to {link}{expires}", message.Subject);
        Assert.Contains("invited to {link}{expires}.", message.TextBody, StringComparison.Ordinal);
        Assert.Contains("invited to {link}{expires}.", message.HtmlBody, StringComparison.Ordinal);
    }

    private static void Right(SmtpInvitationOptions options)
    {
        options.Host = "mail.example.com";
        options.FromAddress = "noreply@example.com";
        options.AcceptUrl = new Uri("https://portal.example.com/join");
    }
}
