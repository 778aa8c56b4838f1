using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Peers;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Tenancy.Tests;

public sealed class DeviceAuthoritiesTests : IAsyncLifetime
{
    private static readonly TenantId Plant = TenancyWorld.Plant;
    private static readonly TenantId Other = TenancyWorld.Other;
    private static readonly DeviceId Press = DeviceId.Parse("press");

    private readonly TestAuthority _factory = new();
    private TenancyWorld _world = null!;

    private DeviceAuthorities Authorities => _world.Services.GetRequiredService<DeviceAuthorities>();

    private IDeviceRegistry Registry => _world.Services.GetRequiredService<IDeviceRegistry>();

    public async ValueTask InitializeAsync()
    {
        _world = await TenancyWorld.MakeAsync();
        await Registry.AddAsync(Plant, new Device { Id = Press });
        await Registry.AddAsync(Other, new Device { Id = Press });
    }

    public async ValueTask DisposeAsync()
    {
        _factory.Dispose();
        await _world.DisposeAsync();
    }

    [Fact]
    public async Task A_certificate_of_a_trusted_authority_lets_in_the_device_that_it_names()
    {
        using var certificate = _factory.Issue("CN=press@plant,O=Factory");
        Assert.Null(await ConnectAsync(certificate));
        var added = await Authorities.AddAsync(Plant, _factory.Certificate, "Factory");
        var session = await ConnectAsync(certificate);
        Assert.Equal((Plant, Press), (session!.Tenant, session.Device));
        Assert.NotNull(await ConnectAsync(certificate, "press@plant"));
        Assert.Null(await ConnectAsync(certificate, "press@other"));
        Assert.Null(await ConnectAsync(certificate, "press"));
        Assert.Null(await ConnectAsync(certificate, ""));

        Assert.True(await Authorities.RemoveAsync(Plant, added.Id));
        Assert.False(await Authorities.RemoveAsync(Plant, added.Id));
        Assert.Null(await ConnectAsync(certificate));
    }

    [Fact]
    public async Task Where_the_certificate_names_the_device_alone_the_user_name_says_the_tenant()
    {
        await Authorities.AddAsync(Plant, _factory.Certificate, "Factory");
        await Registry.AddAsync(Plant, new Device { Id = DeviceId.Parse("pump") });
        using var certificate = _factory.Issue("CN=press");
        Assert.Equal(Plant, (await ConnectAsync(certificate, "press@plant"))!.Tenant);
        Assert.Null(await ConnectAsync(certificate));
        Assert.Null(await ConnectAsync(certificate, "press"));
        Assert.Null(await ConnectAsync(certificate, "pump@plant"));
        Assert.Null(await ConnectAsync(certificate, "press@other"));
    }

    [Fact]
    public async Task A_tenant_that_trusts_anothers_authority_gets_none_of_its_devices()
    {
        await Authorities.AddAsync(Other, _factory.Certificate, "Claimed");
        using var certificate = _factory.Issue("CN=press@plant");
        Assert.Null(await ConnectAsync(certificate));
        Assert.Null(await ConnectAsync(certificate, "press@other"));
        await Authorities.AddAsync(Plant, _factory.Certificate, "Factory");
        Assert.Equal(Plant, (await ConnectAsync(certificate))!.Tenant);
        Assert.Null(await Authorities.FindAsync(Other, "nothing"));
        Assert.Single(await Authorities.ListAsync(Other));
    }

    [Fact]
    public async Task A_device_has_to_be_registered_and_enabled()
    {
        await Authorities.AddAsync(Plant, _factory.Certificate, "Factory");
        using var unknown = _factory.Issue("CN=nobody@plant");
        Assert.Null(await ConnectAsync(unknown));
        using var nowhere = _factory.Issue("CN=press@nowhere");
        Assert.Null(await ConnectAsync(nowhere));
        using var certificate = _factory.Issue("CN=press@plant");
        await Registry.UpdateAsync(Plant, new Device { Id = Press, State = DeviceState.Disabled }, version: 1);
        Assert.Null(await ConnectAsync(certificate));
    }

    [Fact]
    public async Task A_gateway_speaks_for_its_devices()
    {
        await Authorities.AddAsync(Plant, _factory.Certificate, "Factory");
        await Registry.AddAsync(Plant, new Device { Id = DeviceId.Parse("pump"), Gateway = Press });
        using var certificate = _factory.Issue("CN=press@plant");
        Assert.True((await ConnectAsync(certificate))!.TryResolve("pump"u8, out _));
    }

    [Theory]
    [InlineData("CN=press@plant,CN=pump@plant")]
    [InlineData("CN=press@plant+O=Factory")]
    [InlineData("O=press@plant")]
    [InlineData("CN=@plant")]
    [InlineData("CN=press@")]
    [InlineData("CN=a press@plant")]
    public async Task A_subject_that_names_no_device_plainly_lets_nobody_in(string subject)
    {
        await Authorities.AddAsync(Plant, _factory.Certificate, "Factory");
        using var certificate = _factory.Issue(subject);
        Assert.Null(await ConnectAsync(certificate));
        Assert.Null(await ConnectAsync(certificate, "press@plant"));
    }

    [Fact]
    public async Task Another_authority_of_the_same_name_lets_nobody_in()
    {
        await Authorities.AddAsync(Plant, _factory.Certificate, "Factory");
        using var forger = new TestAuthority();
        using var forged = forger.Issue("CN=press@plant");
        Assert.Equal(_factory.Certificate.Subject, forged.Issuer);
        Assert.Null(await ConnectAsync(forged));

        // Two of one name are told apart.
        await Authorities.AddAsync(Plant, forger.Certificate, "The new one");
        using var certificate = _factory.Issue("CN=press@plant");
        Assert.NotNull(await ConnectAsync(forged));
        Assert.NotNull(await ConnectAsync(certificate));
    }

    [Fact]
    public async Task A_certificate_that_was_changed_lets_nobody_in()
    {
        await Authorities.AddAsync(Plant, _factory.Certificate, "Factory");
        using var certificate = _factory.Issue("CN=pross@plant");
        var bytes = certificate.RawData;
        bytes[bytes.AsSpan().IndexOf("pross"u8) + 2] = (byte)'e';
        using var changed = X509CertificateLoader.LoadCertificate(bytes);
        Assert.Equal("CN=press@plant", changed.Subject);
        Assert.Null(await ConnectAsync(changed));
    }

    [Fact]
    public async Task Only_what_the_trusted_authority_itself_issued_lets_in()
    {
        using var line = new TestAuthority("CN=Line 1", _factory);
        using var certificate = line.Issue("CN=press@plant");
        await Authorities.AddAsync(Plant, _factory.Certificate, "Factory");
        Assert.Null(await ConnectAsync(certificate));

        // An intermediate authority is trusted without its root.
        await Authorities.AddAsync(Plant, line.Certificate, "Line 1");
        Assert.NotNull(await ConnectAsync(certificate));
        using var self = new TestAuthority("CN=press@plant");
        Assert.Null(await ConnectAsync(self.Certificate));
    }

    [Fact]
    public async Task A_certificate_holds_in_its_time_and_for_its_use()
    {
        await Authorities.AddAsync(Plant, _factory.Certificate, "Factory");
        using var servers = _factory.Issue("CN=press@plant", TestAuthority.ForServers);
        Assert.Null(await ConnectAsync(servers));
        using var any = _factory.Issue("CN=press@plant", usage: null);
        Assert.NotNull(await ConnectAsync(any));
        using var weak = _factory.Issue("CN=press@plant", isSha1: true);
        Assert.Null(await ConnectAsync(weak));
        using var brief = _factory.Issue("CN=press@plant", end: _world.Time.GetUtcNow().AddDays(1));
        Assert.NotNull(await ConnectAsync(brief));
        _world.Time.Advance(TimeSpan.FromDays(2));
        Assert.Null(await ConnectAsync(brief));
        Assert.NotNull(await ConnectAsync(any));
        _world.Time.Advance(TimeSpan.FromDays(365));
        Assert.Null(await ConnectAsync(any));
    }

    [Fact]
    public async Task A_revoked_certificate_lets_nobody_in_until_it_is_reinstated()
    {
        var authority = await Authorities.AddAsync(Plant, _factory.Certificate, "Factory");
        using var stolen = _factory.Issue("CN=press@plant", serial: [0x00, 0x0A, 0xBC]);
        using var renewed = _factory.Issue("CN=press@plant");
        Assert.Equal("ABC", (await Authorities.RevokeAsync(Plant, authority.Id, "0a:bc"))!.Serial);
        Assert.Equal("ABC", (await Authorities.RevokeAsync(Plant, authority.Id, stolen.SerialNumber))!.Serial);
        Assert.Null(await ConnectAsync(stolen));
        Assert.NotNull(await ConnectAsync(renewed));

        // It outlives its authority, and is of its tenant alone.
        await Authorities.RemoveAsync(Plant, authority.Id);
        await Authorities.AddAsync(Plant, _factory.Certificate, "Factory");
        await Authorities.AddAsync(Other, _factory.Certificate, "Factory");
        Assert.Null(await ConnectAsync(stolen));
        Assert.Equal("ABC", Assert.Single(await Authorities.ListRevokedAsync(Plant, authority.Id, null, 10)).Serial);
        Assert.Empty(await Authorities.ListRevokedAsync(Other, authority.Id, null, 10));
        Assert.False(await Authorities.ReinstateAsync(Other, authority.Id, "ABC"));
        Assert.True(await Authorities.ReinstateAsync(Plant, authority.Id, "abc"));
        Assert.False(await Authorities.ReinstateAsync(Plant, authority.Id, "abc"));
        Assert.NotNull(await ConnectAsync(stolen));
        Assert.Null(await Authorities.RevokeAsync(Plant, "nothing", "abc"));
        foreach (var serial in (string[])["", "00", "xyz", new string('1', 41)])
            await Assert.ThrowsAsync<ArgumentException>(async () => await Authorities.RevokeAsync(Plant, authority.Id, serial));
    }

    [Fact]
    public async Task Revocations_are_listed_page_by_page_for_one_authority()
    {
        using var second = new TestAuthority("CN=Second");
        string[] ids =
        [
            (await Authorities.AddAsync(Plant, _factory.Certificate, "Factory")).Id,
            (await Authorities.AddAsync(Plant, second.Certificate, "Second")).Id,
        ];
        foreach (var id in ids)
        {
            for (var i = 1; i <= 5; i++)
                await Authorities.RevokeAsync(Plant, id, $"{i}");
        }

        foreach (var id in ids)
        {
            var first = await Authorities.ListRevokedAsync(Plant, id, null, 3);
            var rest = await Authorities.ListRevokedAsync(Plant, id, first[^1].Serial, 3);
            Assert.Equal(["1", "2", "3", "4", "5"], first.Concat(rest).Select(revoked => revoked.Serial));
        }
    }

    [Fact]
    public async Task What_is_no_authority_is_not_trusted()
    {
        using var device = _factory.Issue("CN=press@plant");
        await RefuseAsync(device);
        using var weak = RSA.Create(1024);
        var request = new CertificateRequest("CN=Weak", weak, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        using var small = request.CreateSelfSigned(_world.Time.GetUtcNow().AddDays(-1), _world.Time.GetUtcNow().AddDays(1));
        await RefuseAsync(small);
        _world.Time.Advance(TimeSpan.FromDays(365));
        await RefuseAsync(_factory.Certificate);

        async Task RefuseAsync(X509Certificate2 certificate) =>
            await Assert.ThrowsAsync<ArgumentException>(async () => await Authorities.AddAsync(Plant, certificate, "It"));
    }

    [Fact]
    public async Task A_tenant_trusts_each_authority_once_and_not_too_many()
    {
        await Authorities.AddAsync(Plant, _factory.Certificate, "Factory");
        var again = await Assert.ThrowsAsync<TenancyException>(async () =>
            await Authorities.AddAsync(Plant, _factory.Certificate, "Again")
        );
        Assert.Equal(TenancyError.Exists, again.Error);
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(1, DeviceAuthorities.MaxAuthorities + 4)
                .Select(i =>
                    Task.Run(async () =>
                    {
                        using var authority = new TestAuthority($"CN=Factory {i}");
                        while (true)
                        {
                            try
                            {
                                await Authorities.AddAsync(Plant, authority.Certificate, $"{i}");
                                return true;
                            }
                            catch (TenancyException e) when (e.Error == TenancyError.QuotaExceeded)
                            {
                                return false;
                            }
                            catch (TenancyException e) when (e.Error == TenancyError.Changed)
                            {
                                // Others were faster, too often.
                            }
                        }
                    })
                )
        );
        Assert.Equal(DeviceAuthorities.MaxAuthorities - 1, outcomes.Count(isAdded => isAdded));
        Assert.Equal(DeviceAuthorities.MaxAuthorities, (await Authorities.ListAsync(Plant)).Count);
    }

    [Fact]
    public async Task What_is_no_certificate_names_nobody()
    {
        var verifier = _world.Services.GetRequiredService<IIssuedCertificateVerifier>();
        Assert.Null(await verifier.VerifyAsync(DeviceCredential.FromPassword("press@plant", default)));
        Assert.Null(await verifier.VerifyAsync(DeviceCredential.FromCertificate(new byte[32], "press@plant")));
    }

    private async Task<DeviceSession?> ConnectAsync(X509Certificate2 certificate, string? userName = null) =>
        await _world
            .Services.GetRequiredService<IDeviceAuthenticator>()
            .AuthenticateAsync(DeviceCredential.FromClientCertificate(certificate, userName));
}
