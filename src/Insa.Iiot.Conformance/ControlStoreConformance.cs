using System.Text;
using System.Text.Json;
using Xunit;

namespace Insa.Iiot.Conformance;

/// <summary>What every store of control-plane records must do. Inherit it in a test project and hand it a fresh, empty store for each test.</summary>
public abstract class ControlStoreConformance : IAsyncLifetime
{
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly TenantId Other = TenantId.Parse("other");
    private static readonly ControlScope OfPlant = ControlScope.Of(Plant);
    private static readonly ControlScope OfOther = ControlScope.Of(Other);

    /// <summary>The store under test.</summary>
    protected abstract IControlStore Store { get; }

    /// <summary>Scopes in which the same must hold: true is the platform's.</summary>
    public static TheoryData<bool> Scopes { get; } = [true, false];

    /// <summary>Makes the empty store.</summary>
    public abstract ValueTask InitializeAsync();

    /// <summary>Gives the store up.</summary>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return default;
    }

    /// <summary>What was inserted is found by id and by each of its keys, and is of version 1.</summary>
    [Theory]
    [MemberData(nameof(Scopes))]
    public async Task A_record_is_found_by_its_id_and_its_keys(bool isPlatform)
    {
        var scope = ScopeOf(isPlatform);
        Assert.Equal(ControlResult.Done, await CommitAsync(ControlChange.Insert(scope, "user", "u1", Json("Ann"), "mail:ann", "sso:1")));

        var found = await Store.FindAsync(scope, "user", "u1");
        Assert.NotNull(found);
        Assert.Equal((scope, "user", "u1", 1L, "Ann"), (found.Scope, found.Kind, found.Id, found.Version, NameOf(found)));
        foreach (var key in (string[])["mail:ann", "sso:1"])
            Assert.Equal("u1", (await Store.FindByKeyAsync(scope, "user", key))?.Id);
        Assert.Null(await Store.FindAsync(scope, "user", "u2"));
        Assert.Null(await Store.FindAsync(scope, "role", "u1"));
        Assert.Null(await Store.FindByKeyAsync(scope, "user", "mail:bob"));
        Assert.Null(await Store.FindByKeyAsync(scope, "role", "mail:ann"));
    }

    /// <summary>An id and a key are taken once within scope and kind.</summary>
    [Theory]
    [MemberData(nameof(Scopes))]
    public async Task An_id_or_a_key_that_is_taken_is_refused(bool isPlatform)
    {
        var scope = ScopeOf(isPlatform);
        await CommitAsync(ControlChange.Insert(scope, "user", "u1", Json("Ann"), "mail:ann"));
        Assert.Equal(
            new ControlResult(ControlOutcome.Exists, 0),
            await CommitAsync(ControlChange.Insert(scope, "user", "u1", Json("Bob")))
        );
        Assert.Equal(
            new ControlResult(ControlOutcome.Exists, 0),
            await CommitAsync(ControlChange.Insert(scope, "user", "u2", Json("Bob"), "mail:bob", "mail:ann"))
        );
        Assert.Null(await Store.FindAsync(scope, "user", "u2"));
        Assert.Null(await Store.FindByKeyAsync(scope, "user", "mail:bob"));
        Assert.Equal(ControlResult.Done, await CommitAsync(ControlChange.Insert(scope, "guest", "u1", Json("Ann"), "mail:ann")));
    }

    /// <summary>A replacement takes the place of body and keys, once for each version.</summary>
    [Theory]
    [MemberData(nameof(Scopes))]
    public async Task A_record_is_replaced_once_per_version(bool isPlatform)
    {
        var scope = ScopeOf(isPlatform);
        await CommitAsync(ControlChange.Insert(scope, "user", "u1", Json("Ann"), "mail:ann"));
        var first = (await Store.FindAsync(scope, "user", "u1"))!;
        Assert.Equal(ControlResult.Done, await CommitAsync(ControlChange.Replace(first, Json("Anna"), "mail:anna")));
        Assert.Equal(
            new ControlResult(ControlOutcome.Changed, 0),
            await CommitAsync(ControlChange.Replace(first, Json("Anne"), "mail:anne"))
        );

        var second = (await Store.FindByKeyAsync(scope, "user", "mail:anna"))!;
        Assert.Equal((2L, "Anna"), (second.Version, NameOf(second)));
        Assert.Null(await Store.FindByKeyAsync(scope, "user", "mail:ann"));
        Assert.Null(await Store.FindByKeyAsync(scope, "user", "mail:anne"));

        await CommitAsync(ControlChange.Insert(scope, "user", "u2", Json("Bob"), "mail:bob"));
        Assert.Equal(
            new ControlResult(ControlOutcome.Exists, 0),
            await CommitAsync(ControlChange.Replace(second, Json("Anna"), "mail:bob"))
        );
        Assert.Equal("u1", (await Store.FindByKeyAsync(scope, "user", "mail:anna"))?.Id);
    }

    /// <summary>What is deleted is gone with its keys, and only in the version that was seen.</summary>
    [Theory]
    [MemberData(nameof(Scopes))]
    public async Task A_record_is_deleted_with_its_keys(bool isPlatform)
    {
        var scope = ScopeOf(isPlatform);
        await CommitAsync(ControlChange.Insert(scope, "user", "u1", Json("Ann"), "mail:ann"));
        var first = (await Store.FindAsync(scope, "user", "u1"))!;
        await CommitAsync(ControlChange.Replace(first, Json("Anna"), "mail:ann"));
        Assert.Equal(new ControlResult(ControlOutcome.Changed, 0), await CommitAsync(ControlChange.Delete(first)));
        Assert.Equal(ControlResult.Done, await CommitAsync(ControlChange.Delete((await Store.FindAsync(scope, "user", "u1"))!)));
        Assert.Null(await Store.FindAsync(scope, "user", "u1"));
        Assert.Equal(ControlResult.Done, await CommitAsync(ControlChange.Insert(scope, "user", "u3", Json("Ann"), "mail:ann")));
    }

    /// <summary>Of changes that belong together all are made or none, whatever their scopes.</summary>
    [Fact]
    public async Task Changes_are_made_together_or_not_at_all()
    {
        await CommitAsync(ControlChange.Insert(OfPlant, "invitation", "i1", Json("open")));
        var invitation = (await Store.FindAsync(OfPlant, "invitation", "i1"))!;
        ControlChange[] Accept(string user) =>
            [
                ControlChange.Insert(ControlScope.Platform, "user", user, Json(user)),
                ControlChange.Insert(OfPlant, "member", user, Json(user)),
                ControlChange.Count(Plant, "users", 1),
                ControlChange.Replace(invitation, Json("used")),
            ];

        Assert.Equal(ControlResult.Done, await CommitAsync(Accept("ann")));
        Assert.Equal(new ControlResult(ControlOutcome.Changed, 3), await CommitAsync(Accept("bob")));
        Assert.Null(await Store.FindAsync(ControlScope.Platform, "user", "bob"));
        Assert.Null(await Store.FindAsync(OfPlant, "member", "bob"));
        Assert.Equal([new ControlCounter("users", 1, null)], await Store.ReadCountersAsync(Plant));
    }

    /// <summary>A record that is only expected to be as it was stops a commit when it is not.</summary>
    [Fact]
    public async Task A_change_can_depend_on_a_record_that_it_leaves_alone()
    {
        await CommitAsync(ControlChange.Insert(OfPlant, "role", "r1", Json("engineer")));
        var role = (await Store.FindAsync(OfPlant, "role", "r1"))!;
        Assert.Equal(
            ControlResult.Done,
            await CommitAsync(ControlChange.Expect(role), ControlChange.Insert(OfPlant, "member", "m1", Json("Ann")))
        );
        await CommitAsync(ControlChange.Delete(role));
        Assert.Equal(
            new ControlResult(ControlOutcome.Changed, 0),
            await CommitAsync(ControlChange.Expect(role), ControlChange.Insert(OfPlant, "member", "m2", Json("Bob")))
        );
        Assert.Null(await Store.FindAsync(OfPlant, "member", "m2"));
    }

    /// <summary>Tenants and the platform may use the same names, and see nothing of each other's.</summary>
    [Fact]
    public async Task Nobody_sees_or_changes_anothers_records()
    {
        ControlScope[] scopes = [ControlScope.Platform, OfPlant, OfOther];
        foreach (var scope in scopes)
            Assert.Equal(ControlResult.Done, await CommitAsync(ControlChange.Insert(scope, "user", "u1", Json(scope.ToString()), "key")));
        foreach (var scope in scopes)
        {
            Assert.Equal(scope.ToString(), NameOf((await Store.FindAsync(scope, "user", "u1"))!));
            Assert.Equal(scope.ToString(), NameOf((await Store.FindByKeyAsync(scope, "user", "key"))!));
            Assert.Single(await Store.ListAsync(scope, "user", null, 10));
        }

        await CommitAsync(ControlChange.Delete((await Store.FindAsync(OfPlant, "user", "u1"))!));
        Assert.NotNull(await Store.FindAsync(OfOther, "user", "u1"));
        Assert.NotNull(await Store.FindAsync(ControlScope.Platform, "user", "u1"));
        await CommitAsync(ControlChange.Count(Plant, "devices", 3));
        Assert.Empty(await Store.ReadCountersAsync(Other));
        Assert.Null(await Store.FindAsync(ControlScope.Of(TenantId.Parse("nobody")), "user", "u1"));
    }

    /// <summary>A list is in ordinal order and goes on after the last one seen.</summary>
    [Theory]
    [MemberData(nameof(Scopes))]
    public async Task Records_are_listed_page_by_page(bool isPlatform)
    {
        var scope = ScopeOf(isPlatform);
        string[] ids = ["B", "a", "b", "b1", "c"];
        foreach (var id in ids.Reverse())
            await CommitAsync(ControlChange.Insert(scope, "role", id, Json(id)));
        var listed = new List<string>();
        for (string? after = null; ; after = listed[^1])
        {
            var page = await Store.ListAsync(scope, "role", after, 2);
            if (page.Count == 0)
                break;
            listed.AddRange(page.Select(record => record.Id));
        }

        Assert.Equal(ids, listed);
    }

    /// <summary>A counter is never taken past its bounds, and says which bound it was.</summary>
    [Fact]
    public async Task A_counter_keeps_within_its_bounds()
    {
        await CommitAsync(ControlChange.Bound(Plant, "admins", 1, 2), ControlChange.Count(Plant, "admins", 1));
        Assert.Equal(new ControlResult(ControlOutcome.Empty, 0), await CommitAsync(ControlChange.Count(Plant, "admins", -1)));
        Assert.Equal(ControlResult.Done, await CommitAsync(ControlChange.Count(Plant, "admins", 1)));
        Assert.Equal(new ControlResult(ControlOutcome.Full, 0), await CommitAsync(ControlChange.Count(Plant, "admins", 1)));
        Assert.Equal([new ControlCounter("admins", 2, 2)], await Store.ReadCountersAsync(Plant));

        // A bound that is lowered takes nothing away, but nothing is added any more.
        await CommitAsync(ControlChange.Bound(Plant, "admins", 0, 1));
        Assert.Equal(new ControlResult(ControlOutcome.Full, 0), await CommitAsync(ControlChange.Count(Plant, "admins", 1)));
        Assert.Equal(ControlResult.Done, await CommitAsync(ControlChange.Count(Plant, "admins", -1)));
        Assert.Equal(new ControlResult(ControlOutcome.Empty, 0), await CommitAsync(ControlChange.Count(Plant, "none", -1)));
    }

    /// <summary>What must be counted past a bound is counted with the bound away, within one commit.</summary>
    [Fact]
    public async Task A_bound_can_be_taken_away_for_one_count_and_set_again()
    {
        Assert.Equal(
            ControlResult.Done,
            await CommitAsync(
                ControlChange.Bound(Plant, "storage", least: null, most: null),
                ControlChange.Count(Plant, "storage", 20),
                ControlChange.Bound(Plant, "storage", least: null, most: 15)
            )
        );
        Assert.Equal([new ControlCounter("storage", 20, 15)], await Store.ReadCountersAsync(Plant));
        Assert.Equal(new ControlResult(ControlOutcome.Full, 0), await CommitAsync(ControlChange.Count(Plant, "storage", 1)));
    }

    /// <summary>Of many that want what is left, so many get it, and no more.</summary>
    [Fact]
    public async Task A_counters_bound_holds_against_many_at_once()
    {
        await CommitAsync(ControlChange.Bound(Plant, "devices", 0, 50));
        var results = await Task.WhenAll(
            Enumerable
                .Range(0, 200)
                .Select(i =>
                    Task.Run(() =>
                        CommitAsync(
                            ControlChange.Insert(OfPlant, "device", $"d{i}", Json($"{i}")),
                            ControlChange.Count(Plant, "devices", 1)
                        )
                    )
                )
        );
        Assert.Equal(50, results.Count(result => result == ControlResult.Done));
        Assert.All(results.Where(result => result != ControlResult.Done), result => Assert.Equal(new(ControlOutcome.Full, 1), result));
        Assert.Equal(50, (await Store.ListAsync(OfPlant, "device", null, 1000)).Count);
        Assert.Equal([new ControlCounter("devices", 50, 50)], await Store.ReadCountersAsync(Plant));
    }

    /// <summary>Of many that change the same version, one does.</summary>
    [Fact]
    public async Task One_of_many_replaces_a_version()
    {
        await CommitAsync(ControlChange.Insert(OfPlant, "invitation", "i1", Json("open")));
        var seen = (await Store.FindAsync(OfPlant, "invitation", "i1"))!;
        var results = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(i => Task.Run(() => CommitAsync(ControlChange.Replace(seen, Json($"{i}")))))
        );
        Assert.Equal(1, results.Count(result => result == ControlResult.Done));
        Assert.Equal(2, (await Store.FindAsync(OfPlant, "invitation", "i1"))!.Version);
    }

    /// <summary>Commits that meet in another order of their records all end.</summary>
    [Fact]
    public async Task Commits_in_crossing_order_all_end()
    {
        var results = await Task.WhenAll(
            Enumerable
                .Range(0, 60)
                .Select(i =>
                    Task.Run(() =>
                        CommitAsync(
                            ControlChange.Count(i % 2 == 0 ? Plant : Other, "users", 1),
                            ControlChange.Count(i % 2 == 0 ? Other : Plant, "users", 1)
                        )
                    )
                )
        );
        Assert.All(results, result => Assert.Equal(ControlResult.Done, result));
        Assert.Equal([new ControlCounter("users", 60, null)], await Store.ReadCountersAsync(Plant));
    }

    private static ControlScope ScopeOf(bool isPlatform) => isPlatform ? ControlScope.Platform : OfPlant;

    private static byte[] Json(string name) => Encoding.UTF8.GetBytes($"{{\"name\":{JsonSerializer.Serialize(name)}}}");

    private static string? NameOf(ControlRecord record) => JsonDocument.Parse(record.Body).RootElement.GetProperty("name").GetString();

    private async Task<ControlResult> CommitAsync(params ControlChange[] changes) => await Store.CommitAsync(changes);
}
