using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Xunit;

namespace Insa.Iiot.Conformance;

public abstract partial class StoreConformance
{
    private static readonly DeviceId Gate = DeviceId.Parse("gate");

    /// <summary>A change is made to the version it was meant for, and to no other tenant's device.</summary>
    [Fact]
    public async Task A_device_is_changed_if_it_is_still_the_version_that_was_seen()
    {
        await Registry.AddAsync(Plant, new Device { Id = Gate });
        await Registry.AddAsync(Plant, new Device { Id = Press, DisplayName = "a" });
        await Registry.AddAsync(Other, new Device { Id = Press, DisplayName = "theirs" });
        var first = (await Registry.FindAsync(Plant, Press))!;
        Assert.Equal((1, DeviceState.Enabled, null), (first.Version, first.State, first.Gateway));

        var wanted = first with { DisplayName = "b", Gateway = Gate, State = DeviceState.Disabled };
        Assert.Equal(DeviceUpdateResult.Done, await Registry.UpdateAsync(Plant, wanted, 1));
        Assert.Equal(wanted with { Version = 2 }, await Registry.FindAsync(Plant, Press));
        Assert.Equal(DeviceUpdateResult.Changed, await Registry.UpdateAsync(Plant, first, 1));
        Assert.Equal(DeviceUpdateResult.Changed, await Registry.UpdateAsync(Plant, first, 3));
        Assert.Equal(DeviceUpdateResult.NotFound, await Registry.UpdateAsync(Plant, first with { Id = DeviceId.Parse("nobody") }, 1));
        Assert.Equal(DeviceUpdateResult.NotFound, await Registry.UpdateAsync(Other, new Device { Id = Gate }, 1));
        Assert.Equal(wanted with { Version = 2 }, await Registry.FindAsync(Plant, Press));
        Assert.Equal(
            ("theirs", 1),
            ((await Registry.FindAsync(Other, Press))!.DisplayName, (await Registry.FindAsync(Other, Press))!.Version)
        );

        // Losing its gateway is a change too.
        await Registry.RemoveAsync(Plant, Gate);
        Assert.Equal(wanted with { Gateway = null, Version = 3 }, await Registry.FindAsync(Plant, Press));
    }

    /// <summary>A gateway is another device of the tenant that exists.</summary>
    [Fact]
    public async Task A_gateway_is_another_device_of_the_tenant()
    {
        var nobody = DeviceId.Parse("nobody");
        await Registry.AddAsync(Other, new Device { Id = Gate });
        await Registry.AddAsync(Plant, new Device { Id = Press });
        foreach (var gateway in (DeviceId[])[nobody, Gate, DeviceId.Parse("new")])
        {
            var added = new Device { Id = DeviceId.Parse("new"), Gateway = gateway };
            var refusal = await Assert.ThrowsAsync<GatewayNotFoundException>(async () => await Registry.AddAsync(Plant, added));
            Assert.Equal(gateway, refusal.Gateway);
            Assert.Equal([DeviceAddResult.GatewayNotFound], await Registry.AddManyAsync(Plant, [added]));
        }

        foreach (var gateway in (DeviceId[])[nobody, Gate, Press])
        {
            var changed = new Device { Id = Press, Gateway = gateway };
            Assert.Equal(DeviceUpdateResult.GatewayNotFound, await Registry.UpdateAsync(Plant, changed, 1));
            Assert.False(await Registry.AddAsync(Plant, changed));
            Assert.Equal([DeviceAddResult.Exists], await Registry.AddManyAsync(Plant, [changed]));
        }

        Assert.Equal(1, Assert.Single(await Registry.ListAsync(Plant, null, 10)).Version);
        Assert.Equal([new ControlCounter(IDeviceRegistry.Counter, 1, null)], await Control.ReadCountersAsync(Plant));
    }

    /// <summary>A gateway's devices are listed in pages, and no other tenant's.</summary>
    [Fact]
    public async Task A_gateways_devices_are_listed_in_pages()
    {
        foreach (var tenant in (TenantId[])[Plant, Other])
            await Registry.AddAsync(tenant, new Device { Id = Gate });
        await Registry.AddAsync(Other, new Device { Id = DeviceId.Parse("theirs"), Gateway = Gate });
        await Registry.AddAsync(Plant, new Device { Id = Press });
        foreach (var name in (string[])["c", "a", "b"])
            await Registry.AddAsync(Plant, new Device { Id = DeviceId.Parse(name), Gateway = Gate });

        Assert.Equal(["a", "b"], (await Registry.ListByGatewayAsync(Plant, Gate, null, 2)).Select(device => device.Id.Value));
        Assert.Equal(["c"], (await Registry.ListByGatewayAsync(Plant, Gate, DeviceId.Parse("b"), 2)).Select(device => device.Id.Value));
        Assert.Empty(await Registry.ListByGatewayAsync(Plant, Press, null, 10));
        Assert.Empty(await Registry.ListByGatewayAsync(Other, DeviceId.Parse("a"), null, 10));
    }

    /// <summary>Of changes to one version at once, one is made.</summary>
    [Fact]
    public async Task Of_changes_at_once_one_is_made()
    {
        await Registry.AddAsync(Plant, new Device { Id = Press });
        var results = await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(i => Task.Run(async () => await Registry.UpdateAsync(Plant, new Device { Id = Press, DisplayName = $"{i}" }, 1)))
        );
        Assert.Equal(1, results.Count(result => result == DeviceUpdateResult.Done));
        Assert.Equal(19, results.Count(result => result == DeviceUpdateResult.Changed));
        var device = (await Registry.FindAsync(Plant, Press))!;
        Assert.Equal((2, $"{Array.IndexOf(results, DeviceUpdateResult.Done)}"), (device.Version, device.DisplayName));
    }

    /// <summary>A gateway that goes while devices get it leaves none of them with a gateway that is not there.</summary>
    [Fact]
    public async Task No_device_keeps_a_gateway_that_was_removed_meanwhile()
    {
        for (var round = 0; round < 10; round++)
        {
            await Registry.AddAsync(Plant, new Device { Id = Gate });
            var adding = Enumerable
                .Range(0, 4)
                .Select(i =>
                    Task.Run(async () =>
                        await Registry.AddManyAsync(Plant, [new Device { Id = DeviceId.Parse($"d{round}-{i}"), Gateway = Gate }])
                    )
                );
            var removing = Task.Run(async () => await Registry.RemoveAsync(Plant, Gate));
            await Task.WhenAll([.. adding, removing]);
            Assert.All(await Registry.ListAsync(Plant, null, 100), device => Assert.Null(device.Gateway));
        }
    }

    /// <summary>Many devices are registered at once, each with its own result.</summary>
    [Fact]
    public async Task Many_devices_are_registered_in_order_as_many_as_there_is_room_for()
    {
        await Control.CommitAsync([ControlChange.Bound(Plant, IDeviceRegistry.Counter, least: null, most: 4)]);
        await Registry.AddAsync(Plant, new Device { Id = Press, DisplayName = "kept" });
        await Registry.AddAsync(Other, new Device { Id = DeviceId.Parse("theirs") });
        Device Make(string id, string? gateway = null) =>
            new()
            {
                Id = DeviceId.Parse(id),
                DisplayName = $"of {id}",
                Gateway = gateway is null ? null : DeviceId.Parse(gateway),
            };

        Assert.Equal(
            [
                DeviceAddResult.GatewayNotFound,
                DeviceAddResult.Added,
                DeviceAddResult.Exists,
                DeviceAddResult.Added,
                DeviceAddResult.Exists,
                DeviceAddResult.GatewayNotFound,
                DeviceAddResult.Added,
                DeviceAddResult.LimitReached,
                DeviceAddResult.GatewayNotFound,
                DeviceAddResult.Exists,
            ],
            await Registry.AddManyAsync(
                Plant,
                [
                    Make("early", "gate"),
                    Make("gate"),
                    Make("gate"),
                    Make("a", "gate") with
                    {
                        State = DeviceState.Disabled,
                    },
                    Make("press", "gate"),
                    Make("b", "theirs"),
                    Make("c", "press"),
                    Make("d"),
                    Make("e", "d"),
                    Make("c"),
                ]
            )
        );
        Assert.Equal(
            ["a of a gate Disabled 1", "c of c press Enabled 1", "gate of gate  Enabled 1", "press kept  Enabled 1"],
            (await Registry.ListAsync(Plant, null, 10)).Select(device =>
                $"{device.Id} {device.DisplayName} {device.Gateway} {device.State} {device.Version}"
            )
        );
        Assert.Equal([new ControlCounter(IDeviceRegistry.Counter, 4, 4)], await Control.ReadCountersAsync(Plant));
        Assert.Single(await Registry.ListAsync(Other, null, 10));

        Assert.Empty(await Registry.AddManyAsync(Plant, []));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () =>
            await Registry.AddManyAsync(Other, [.. Enumerable.Range(0, IDeviceRegistry.MaxAdded + 1).Select(i => Make($"x{i}"))])
        );
        await Assert.ThrowsAnyAsync<ArgumentException>(async () =>
            await Registry.AddManyAsync(Other, [Make("x"), Make("y") with { DisplayName = new string('y', 201) }])
        );
        Assert.Single(await Registry.ListAsync(Other, null, 10));
        Assert.All(
            await Registry.AddManyAsync(Other, [.. Enumerable.Range(0, IDeviceRegistry.MaxAdded).Select(i => Make($"x{i}"))]),
            result => Assert.Equal(DeviceAddResult.Added, result)
        );
    }

    /// <summary>Imports and single registrations at once come to exactly the bound, and what is counted to what is there.</summary>
    [Fact]
    public async Task Imports_at_once_come_to_exactly_the_bound()
    {
        await Control.CommitAsync([ControlChange.Bound(Plant, IDeviceRegistry.Counter, least: null, most: 57)]);
        var added = await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(i =>
                    Task.Run(async () =>
                    {
                        // In opposite orders, and with some in common: nobody may wait for who waits for it.
                        var numbers = Enumerable.Range(i * 5, 10);
                        var devices = (i % 2 == 0 ? numbers : numbers.Reverse()).Select(number => new Device
                        {
                            Id = DeviceId.Parse($"d{number}"),
                        });
                        var single = await TryAddDeviceAsync(i * 7) ? 1 : 0;
                        var many = await Registry.AddManyAsync(Plant, [.. devices]);
                        return single + many.Count(result => result == DeviceAddResult.Added);
                    })
                )
        );
        Assert.Equal(57, added.Sum());
        Assert.Equal(57, (await Registry.ListAsync(Plant, null, 1000)).Count);
        Assert.Equal([new ControlCounter(IDeviceRegistry.Counter, 57, 57)], await Control.ReadCountersAsync(Plant));
    }

    /// <summary>No credential of a disabled device holds, and nobody may publish for it.</summary>
    [Fact]
    public async Task A_disabled_device_cannot_connect()
    {
        await Registry.AddAsync(Plant, new Device { Id = Gate });
        await Registry.AddAsync(Plant, new Device { Id = Press, Gateway = Gate });
        var (secret, gates) = ((await Registry.RotateSecretAsync(Plant, Press))!, (await Registry.RotateSecretAsync(Plant, Gate))!);
        await Registry.AddCertificateAsync(Plant, Press, new byte[32]);
        await Psks.SetPskAsync(Plant, Press);

        for (var version = 1; version <= 4; version++)
        {
            var isEnabled = version % 2 == 1;
            Assert.Equal(isEnabled, await LoginAsync("press@plant", secret) is not null);
            Assert.Equal(isEnabled, await Authenticator.AuthenticateAsync(DeviceCredential.FromCertificate(new byte[32])) is not null);
            Assert.Equal(isEnabled, await Authenticator.AuthenticateAsync(DeviceCredential.FromPsk("press@plant")) is not null);
            Assert.Equal(isEnabled, await Psks.FindPskAsync("press@plant") is not null);
            Assert.Equal(isEnabled, (await LoginAsync("gate@plant", gates))!.TryResolve("press"u8, out _));
            var next = new Device
            {
                Id = Press,
                Gateway = Gate,
                State = isEnabled ? DeviceState.Disabled : DeviceState.Enabled,
            };
            Assert.Equal(DeviceUpdateResult.Done, await Registry.UpdateAsync(Plant, next, version));
        }
    }

    /// <summary>A certificate that no device has registered stands for the device it was issued to, if that one may connect.</summary>
    [Fact]
    public async Task An_issued_certificate_lets_in_the_device_it_names()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=gate@plant", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(1));
        var credential = DeviceCredential.FromClientCertificate(certificate);
        Assert.Null(await Authenticator.AuthenticateAsync(credential));
        await Registry.AddAsync(Other, new Device { Id = Gate });
        Assert.Null(await Authenticator.AuthenticateAsync(credential));

        await Registry.AddAsync(Plant, new Device { Id = Gate });
        await Registry.AddAsync(Plant, new Device { Id = Press, Gateway = Gate });
        var session = (await Authenticator.AuthenticateAsync(credential))!;
        Assert.Equal((Plant, Gate), (session.Tenant, session.Device));
        Assert.True(session.TryResolve("press"u8, out _));

        // Of the hash alone nobody can say who issued it; and what is registered is registered for good.
        Assert.Null(await Authenticator.AuthenticateAsync(DeviceCredential.FromCertificate(credential.CertificateSha256)));
        Assert.True(await Registry.AddCertificateAsync(Plant, Press, credential.CertificateSha256));
        Assert.Equal(Press, (await Authenticator.AuthenticateAsync(credential))!.Device);
        Assert.True(await Registry.RevokeCredentialAsync(Plant, Press, Convert.ToHexStringLower(credential.CertificateSha256.Span)));
        await Registry.UpdateAsync(Plant, new Device { Id = Gate, State = DeviceState.Disabled }, version: 1);
        Assert.Null(await Authenticator.AuthenticateAsync(credential));
    }

    /// <summary>Credentials are listed without their secrets, and end when they are revoked.</summary>
    [Fact]
    public async Task Credentials_are_listed_and_revoked()
    {
        var (first, second, theirs) = (new byte[32], new byte[32], new byte[32]);
        (first[0], second[0], theirs[0]) = (1, 2, 3);
        foreach (var tenant in (TenantId[])[Plant, Other])
            await Registry.AddAsync(tenant, new Device { Id = Press });
        Assert.Empty(await Registry.ListCredentialsAsync(Plant, Press));
        var begun = TimeProvider.System.GetUtcNow().UtcDateTime.AddMilliseconds(-1);
        await Registry.AddCertificateAsync(Other, Press, theirs);
        await Registry.AddCertificateAsync(Plant, Press, first);
        await Registry.AddCertificateAsync(Plant, Press, second);
        await Registry.RotateSecretAsync(Plant, Press);
        await Psks.SetPskAsync(Plant, Press);

        var made = await Registry.ListCredentialsAsync(Plant, Press);
        Assert.Equal(
            [
                ("password", DeviceCredentialKind.Password),
                ("psk", DeviceCredentialKind.PreSharedKey),
                (Convert.ToHexStringLower(first), DeviceCredentialKind.Certificate),
                (Convert.ToHexStringLower(second), DeviceCredentialKind.Certificate),
            ],
            made.Select(credential => (credential.Id, credential.Kind))
        );
        Assert.All(made, credential => Assert.InRange(credential.CreatedAt, begun, TimeProvider.System.GetUtcNow().UtcDateTime));
        Assert.All(made, credential => Assert.Null(credential.RotatedAt));
        Assert.Equal([0, 0, 32, 32], made.Select(credential => credential.CertificateSha256.Length));
        Assert.Equal(second, made[3].CertificateSha256.ToArray());

        var secret = (await Registry.RotateSecretAsync(Plant, Press))!;
        await Psks.SetPskAsync(Plant, Press);
        await Registry.AddCertificateAsync(Plant, Press, first);
        var rotated = await Registry.ListCredentialsAsync(Plant, Press);
        Assert.Equal(made.Select(credential => credential.CreatedAt), rotated.Select(credential => credential.CreatedAt));
        Assert.All(rotated.Take(2), credential => Assert.True(credential.RotatedAt >= credential.CreatedAt));
        Assert.All(rotated.Skip(2), credential => Assert.Null(credential.RotatedAt));

        // Another device's, another tenant's, and nobody's.
        await Registry.AddAsync(Plant, new Device { Id = Gate });
        foreach (var id in (string[])["password", "psk", Convert.ToHexStringLower(first), Convert.ToHexStringLower(theirs), "", "nothing"])
        {
            Assert.False(await Registry.RevokeCredentialAsync(Plant, Gate, id));
            Assert.False(await Registry.RevokeCredentialAsync(Plant, DeviceId.Parse("nobody"), id));
            if (id != Convert.ToHexStringLower(theirs))
                Assert.False(await Registry.RevokeCredentialAsync(Other, Press, id));
        }

        Assert.False(await Registry.RevokeCredentialAsync(Plant, Press, Convert.ToHexStringLower(theirs)));
        Assert.Equal(4, (await Registry.ListCredentialsAsync(Plant, Press)).Count);

        Assert.True(await Registry.RevokeCredentialAsync(Plant, Press, Convert.ToHexStringLower(first)));
        Assert.Null(await Authenticator.AuthenticateAsync(DeviceCredential.FromCertificate(first)));
        Assert.NotNull(await Authenticator.AuthenticateAsync(DeviceCredential.FromCertificate(second)));
        Assert.True(await Registry.RevokeCredentialAsync(Plant, Press, "password"));
        Assert.False(await Registry.RevokeCredentialAsync(Plant, Press, "password"));
        Assert.Null(await LoginAsync("press@plant", secret));
        Assert.True(await Registry.RevokeCredentialAsync(Plant, Press, "psk"));
        Assert.Null(await Psks.FindPskAsync("press@plant"));
        Assert.Equal([Convert.ToHexStringLower(second)], (await Registry.ListCredentialsAsync(Plant, Press)).Select(found => found.Id));
        Assert.Single(await Registry.ListCredentialsAsync(Other, Press));

        // What is made anew was never rotated.
        await Registry.RotateSecretAsync(Plant, Press);
        Assert.Null((await Registry.ListCredentialsAsync(Plant, Press))[0].RotatedAt);
    }

    /// <summary>A pre-shared key is found by its identity, and by no other.</summary>
    [Fact]
    public async Task A_pre_shared_key_is_found_by_its_identity()
    {
        foreach (var tenant in (TenantId[])[Plant, Other])
            await Registry.AddAsync(tenant, new Device { Id = Press });
        Assert.Null(await Psks.FindPskAsync("press@plant"));
        Assert.Null(await Authenticator.AuthenticateAsync(DeviceCredential.FromPsk("press@plant")));
        Assert.Null(await Psks.SetPskAsync(Plant, DeviceId.Parse("nobody")));

        var psk = (await Psks.SetPskAsync(Plant, Press))!;
        Assert.Equal("press@plant", psk.Identity);
        Assert.InRange(psk.Key.Length, 16, 64);
        Assert.Equal(psk.Key.ToArray(), (await Psks.FindPskAsync("press@plant"))!.Key.ToArray());
        foreach (var identity in (string[])["press@other", "press", "nobody@plant", "", "@", "press@plant@plant"])
            Assert.Null(await Psks.FindPskAsync(identity));
        var session = await Authenticator.AuthenticateAsync(DeviceCredential.FromPsk("press@plant"));
        Assert.Equal((Plant, Press), (session!.Tenant, session.Device));
        Assert.Null(await LoginAsync("press@plant", Encoding.Latin1.GetString(psk.Key.Span)));

        var renewed = (await Psks.SetPskAsync(Plant, Press))!;
        Assert.NotEqual(psk.Key.ToArray(), renewed.Key.ToArray());
        Assert.Equal(renewed.Key.ToArray(), (await Psks.FindPskAsync("press@plant"))!.Key.ToArray());

        // Who gets its id later does not get its key.
        await Registry.RemoveAsync(Plant, Press);
        await Registry.AddAsync(Plant, new Device { Id = Press });
        Assert.Null(await Psks.FindPskAsync("press@plant"));
    }

    /// <summary>A letter is found and removed by its own tenant alone.</summary>
    [Fact]
    public async Task A_dead_letter_is_found_and_removed_by_its_tenant()
    {
        DeadLetter Make(TenantId tenant) =>
            new()
            {
                Tenant = tenant,
                Device = Press,
                ReceivedAt = Noon,
                Reason = IngestReason.Malformed,
                MediaType = "application/json",
                Payload = new byte[] { 7 },
            };
        await DeadLetters.AppendAsync([Make(Plant), Make(Other), Make(Plant)], CancellationToken.None);
        var mine = await DeadLetters.ListAsync(Plant, 0, 10);
        var theirs = Assert.Single(await DeadLetters.ListAsync(Other, 0, 10)).Id;

        var found = (await DeadLetters.FindAsync(Plant, mine[1].Id))!;
        Assert.Equal((mine[1].Id, Plant, Press, Noon, 7), (found.Id, found.Tenant, found.Device, found.ReceivedAt, found.Payload.Span[0]));
        foreach (var id in (long[])[theirs, 0, long.MaxValue])
        {
            Assert.Null(await DeadLetters.FindAsync(Plant, id));
            Assert.False(await DeadLetters.RemoveAsync(Plant, id));
        }

        var removed = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => Task.Run(async () => await DeadLetters.RemoveAsync(Plant, mine[0].Id)))
        );
        Assert.Equal(1, removed.Count(isRemoved => isRemoved));
        Assert.Null(await DeadLetters.FindAsync(Plant, mine[0].Id));
        Assert.Equal(mine[1].Id, Assert.Single(await DeadLetters.ListAsync(Plant, 0, 10)).Id);
        Assert.NotNull(await DeadLetters.FindAsync(Other, theirs));
    }
}
