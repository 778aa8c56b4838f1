using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Insa.Iiot.Protocols.OpcUa.Tests.Pki;

namespace Insa.Iiot.Protocols.OpcUa.Tests;

/// <summary>With the client of node-opcua.</summary>
[Trait("Category", "Peer")]
public sealed class PeerTests
{
    [Theory]
    [InlineData("None", "None", "password")]
    [InlineData("Basic256Sha256", "Sign", "password")]
    [InlineData("Basic256Sha256", "SignAndEncrypt", "password")]
    [InlineData("Aes128_Sha256_RsaOaep", "Sign", "password")]
    [InlineData("Aes128_Sha256_RsaOaep", "SignAndEncrypt", "password")]
    [InlineData("Aes256_Sha256_RsaPss", "Sign", "password")]
    [InlineData("Aes256_Sha256_RsaPss", "SignAndEncrypt", "password")]
    [InlineData("None", "None", "certificate")]
    [InlineData("Basic256Sha256", "SignAndEncrypt", "certificate")]
    [InlineData("Aes128_Sha256_RsaOaep", "SignAndEncrypt", "certificate")]
    [InlineData("Aes256_Sha256_RsaPss", "SignAndEncrypt", "certificate")]
    [InlineData("None", "None", "anonymous")]
    [InlineData("Basic256Sha256", "SignAndEncrypt", "anonymous")]
    public async Task It_signs_in_over_every_endpoint(string policy, string mode, string token)
    {
        await using var peer = await PeerWorld.StartAsync(options =>
        {
            options.AllowUnsecured = true;
            options.AnonymousTenant = token == "anonymous" ? TenantId.Parse("acme") : null;
        });
        var result = await peer.RunAsync("connect", policy, mode, token);
        Assert.True(result.GetProperty("ok").GetBoolean(), result.GetRawText());
    }

    [Fact]
    public async Task It_sees_what_is_offered()
    {
        await using var peer = await PeerWorld.StartAsync();
        var result = await peer.RunAsync("endpoints", "None", "None", "anonymous");
        Assert.Equal(
            [
                "Aes256_Sha256_RsaPss/SignAndEncrypt",
                "Basic256Sha256/SignAndEncrypt",
                "Aes128_Sha256_RsaOaep/SignAndEncrypt",
                "Aes256_Sha256_RsaPss/Sign",
                "Basic256Sha256/Sign",
                "Aes128_Sha256_RsaOaep/Sign",
            ],
            result.GetProperty("endpoints").EnumerateArray().Select(e => e.GetString())
        );
        Assert.Equal("urn:test:server", result.GetProperty("servers")[0].GetString());
    }

    [Theory]
    [InlineData("password", "wrong")]
    [InlineData("anonymous", null)]
    public async Task It_is_told_that_it_may_not_sign_in(string token, string? password)
    {
        await using var peer = await PeerWorld.StartAsync();
        var result = await peer.RunAsync("connect", "Basic256Sha256", "SignAndEncrypt", token, password: password);
        Assert.False(result.GetProperty("ok").GetBoolean());
    }

    [Fact]
    public async Task Its_certificate_is_refused_until_it_is_trusted()
    {
        await using var peer = await PeerWorld.StartAsync(trusts: false);
        var result = await peer.RunAsync("connect", "Basic256Sha256", "SignAndEncrypt", "password");
        Assert.False(result.GetProperty("ok").GetBoolean());
        Assert.Single(Directory.GetFiles(peer.Host.Folders.Rejected));
    }

    [Fact]
    public async Task It_renews_its_tokens_under_load()
    {
        await using var peer = await PeerWorld.StartAsync();
        var result = await peer.RunAsync("renew", "Basic256Sha256", "SignAndEncrypt", "password", milliseconds: 3000, renewal: 300);
        Assert.True(result.GetProperty("ok").GetBoolean(), result.GetRawText());
        Assert.InRange(result.GetProperty("renewed").GetInt32(), 3, 20);
        Assert.InRange(result.GetProperty("calls").GetInt32(), 20, int.MaxValue);
    }

    [Fact]
    public async Task It_comes_back_to_its_session_after_a_cut()
    {
        await using var peer = await PeerWorld.StartAsync();
        var result = await peer.RunAsync("reconnect", "Aes256_Sha256_RsaPss", "SignAndEncrypt", "password");
        Assert.True(result.GetProperty("ok").GetBoolean(), result.GetRawText());
        Assert.Equal("repaired", result.GetProperty("session").GetString());
        Assert.True(result.GetProperty("same").GetBoolean(), result.GetRawText());
    }
}
