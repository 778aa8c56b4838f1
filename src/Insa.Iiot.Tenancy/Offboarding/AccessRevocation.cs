using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy.Offboarding;

/// <summary>Takes back what lets somebody in: of a tenant that is not active any more, so that none is added meanwhile. Doing it again does no harm.</summary>
internal sealed class AccessRevocation(IControlStore store)
{
    private const int Page = 100;

    public async ValueTask RevokeAsync(TenantId tenant, CancellationToken cancellationToken)
    {
        await ForEachAsync(
                tenant,
                RecordKinds.ApiKey,
                key => [ControlChange.Delete(key), ControlChange.Count(tenant, TenantCounters.ApiKeys, -1)],
                cancellationToken
            )
            .ConfigureAwait(false);
        await ForEachAsync(
                tenant,
                RecordKinds.Invitation,
                invitation =>
                    RecordJson.Read<InvitationRecord>(invitation) is { State: InvitationState.Open } body
                        ?
                        [
                            ControlChange.Replace(invitation, RecordJson.Write(body with { State = InvitationState.Revoked })),
                            ControlChange.Count(tenant, TenantCounters.Invitations, -1),
                        ]
                        : [],
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    private async ValueTask ForEachAsync(
        TenantId tenant,
        string kind,
        Func<ControlRecord, ControlChange[]> change,
        CancellationToken cancellationToken
    )
    {
        string? after = null;
        IReadOnlyList<ControlRecord> page;
        do
        {
            page = await store.ListAsync(ControlScope.Of(tenant), kind, after, Page, cancellationToken).ConfigureAwait(false);
            foreach (var record in page)
            {
                // One that is another by now was revoked or used by somebody else.
                if (change(record) is { Length: > 0 } changes)
                {
                    var result = await store.CommitAsync(changes, cancellationToken).ConfigureAwait(false);

                    // One that is older than its counter was never counted.
                    if (result.Outcome == ControlOutcome.Empty)
                        await store.CommitAsync(changes[..1], cancellationToken).ConfigureAwait(false);
                }

                after = record.Id;
            }
        } while (page.Count == Page);
    }
}
