using System.Text;

namespace Insa.Iiot.Storage.Sqlite.Tests;

public sealed class CredentialKeyTests : IDisposable
{
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly DeviceId Press = DeviceId.Parse("press");

    private readonly SqliteStore _store = new();

    public void Dispose() => _store.Dispose();

    [Fact]
    public async Task Without_a_key_there_are_no_pre_shared_keys_and_the_refusal_says_what_to_configure()
    {
        await _store.Devices.AddAsync(Plant, new Device { Id = Press });
        await _store.Devices.SetPskAsync(Plant, Press);
        using var keyless = new SqliteStore(_store.Folder, credentialKey: null);
        foreach (
            var call in (Func<Task>[])
                [() => keyless.Devices.SetPskAsync(Plant, Press).AsTask(), () => keyless.Devices.FindPskAsync("press@plant").AsTask()]
        )
            Assert.Contains("CredentialKey", (await Assert.ThrowsAsync<InvalidOperationException>(call)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_key_opens_nothing()
    {
        await _store.Devices.AddAsync(Plant, new Device { Id = Press });
        await _store.Devices.SetPskAsync(Plant, Press);
        using var other = new SqliteStore(_store.Folder, credentialKey: Convert.ToBase64String(new byte[32]));
        var refusal = await Assert.ThrowsAsync<TelemetryStoreException>(async () => await other.Devices.FindPskAsync("press@plant"));
        Assert.False(refusal.IsTransient);
    }

    [Fact]
    public async Task A_key_lies_sealed_in_the_file_and_opens_for_its_own_device_only()
    {
        await _store.Devices.AddAsync(Plant, new Device { Id = Press });
        await _store.Devices.AddAsync(Plant, new Device { Id = DeviceId.Parse("pump") });
        var psk = (await _store.Devices.SetPskAsync(Plant, Press))!;
        Assert.DoesNotContain(
            Convert.ToHexString(psk.Key.Span),
            (string)_store.Query("SELECT hex(psk) FROM device WHERE name = 'press'")!,
            StringComparison.Ordinal
        );
        foreach (var file in Directory.GetFiles(_store.Folder))
            Assert.True(
                Encoding
                    .Latin1.GetString(await ReadSharedAsync(file))
                    .IndexOf(Encoding.Latin1.GetString(psk.Key.Span), StringComparison.Ordinal) < 0
            );
        _store.Query("UPDATE device SET psk = (SELECT psk FROM device WHERE name = 'press') WHERE name = 'pump'");
        await Assert.ThrowsAsync<TelemetryStoreException>(async () => await _store.Devices.FindPskAsync("pump@plant"));
        Assert.NotNull(await _store.Devices.FindPskAsync("press@plant"));
        foreach (var damage in (string[])["zeroblob(61)", "x''", "substr(psk, 1, 60)", "zeroblob(500)"])
        {
            _store.Query($"UPDATE device SET psk = {damage} WHERE name = 'press'");
            await Assert.ThrowsAsync<TelemetryStoreException>(async () => await _store.Devices.FindPskAsync("press@plant"));
            await _store.Devices.SetPskAsync(Plant, Press);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("hush")]
    [InlineData("hush!")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAA==")]
    public void A_key_that_is_none_is_refused_without_being_repeated(string key)
    {
        var result = new SqliteStorageOptionsValidator().Validate(null, new SqliteStorageOptions { CredentialKey = key });
        Assert.Contains("must be 32 bytes in Base64", result.FailureMessage, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", result.FailureMessage, StringComparison.Ordinal);
        Assert.True(
            new SqliteStorageOptionsValidator()
                .Validate(null, new SqliteStorageOptions { CredentialKey = SqliteStore.CredentialKey })
                .Succeeded
        );
    }

    private static async Task<byte[]> ReadSharedAsync(string file)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var all = new MemoryStream();
        await stream.CopyToAsync(all);
        return all.ToArray();
    }
}
