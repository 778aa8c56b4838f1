using Insa.Iiot.Tenancy;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.AspNetCore.Tests;

public sealed class InvitationsApiTests
{
    private const string Bill = """{"email":"bill@example.com","roleIds":["viewer"]}""";

    [Fact]
    public async Task An_invitation_makes_an_account_and_a_member_once()
    {
        await using var world = await ApiWorld.MakeAsync();
        var token = (string)(await world.PostAsync("/api/v1/invitations", world.Ann.Token, Bill)).Json["token"]!;
        var body = $$"""{"token":"{{token}}","displayName":"Bill","password":"{{ApiWorld.Password}}"}""";
        Assert.Equal(
            ("plant", "viewer"),
            await world.PostAsync("/api/v1/auth/invitations/accept", null, body) is { Status: 200 } done
                ? ((string)done.Json["tenantId"]!, (string)done.Json["roleIds"]![0]!)
                : default
        );
        Assert.Equal("invalid", (await world.PostAsync("/api/v1/auth/invitations/accept", null, body)).Problem);
    }

    [Fact]
    public async Task Where_invitations_are_sent_the_token_is_not_in_the_answer()
    {
        var sender = new RecordingSender();
        await using var world = await ApiWorld.MakeAsync(configure: iiot => iiot.Services.AddSingleton<IInvitationSender>(sender));
        var answer = await world.PostAsync("/api/v1/invitations", world.Ann.Token, Bill);
        Assert.Equal((201, null), (answer.Status, answer.Json["token"]));
        Assert.Equal(("bill@example.com", "plant"), (sender.Sent!.Email, sender.TenantName));
        Assert.DoesNotContain(sender.Token!, answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_invitation_that_cannot_be_delivered_is_told_and_taken_back()
    {
        var sender = new RecordingSender { Fails = true };
        await using var world = await ApiWorld.MakeAsync(configure: iiot => iiot.Services.AddSingleton<IInvitationSender>(sender));
        var answer = await world.PostAsync("/api/v1/invitations", world.Ann.Token, Bill);
        Assert.Equal((502, "not-delivered"), (answer.Status, answer.Problem));
        var listed = Assert.Single((await world.GetAsync("/api/v1/invitations", world.Ann.Token)).Json["items"]!.AsArray())!;
        Assert.Equal("revoked", (string)listed["state"]!);
    }

    private sealed class RecordingSender : IInvitationSender
    {
        public bool Fails { get; init; }

        public Invitation? Sent { get; private set; }

        public string? TenantName { get; private set; }

        public string? Token { get; private set; }

        public ValueTask SendAsync(Invitation invitation, string tenantName, string token, CancellationToken cancellationToken = default)
        {
            (Sent, TenantName, Token) = (invitation, tenantName, token);
            return Fails ? throw new InvitationDeliveryException("Refused.", isTransient: false) : default;
        }
    }
}
