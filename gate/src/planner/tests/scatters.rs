//! Statements for several shards.

use super::*;

#[tokio::test]
async fn statements_of_which_each_shard_does_its_part_go_to_several() {
    let cases = [
        ("select * from customers", "shop all"),
        ("select * from customers where id > 5 for update", "shop all"),
        ("select * from customers where id = 5 or name = 'x'", "shop all"),
        ("select * from customers where not id = 5", "shop all"),
        ("select * from customers where id = 5 + 0", "shop all"),
        ("select * from customers where id in (5, -6)", "shop id in (5,-6)"),
        ("select * from customers where id in (5, null, (6))", "shop id in (5,6)"),
        ("select * from customers where id in (null)", "shop  in ()"),
        ("select * from customers where id in (5, 6) and id in (7, 8, 9)", "shop id in (5,6)"),
        ("select * from customers where id in (5, name)", "shop all"),
        ("select * from customers where id not in (5)", "shop all"),
        ("select * from customers where id + 0 = 5", "shop all"),
        ("select * from customers where id = null", "shop all"),
        ("select * from customers where name = 5", "shop all"),
        ("select upper(name), now(), if(id > 3, 'a', city) from customers c", "shop all"),
        ("delete from customers", "shop all write"),
        ("update customers set name = concat(name, 'x') where id in (1, 2)", "shop id in (1,2) write"),
        ("update customers c join orders o on c.id = o.customer_id set o.total = 1", "shop all write"),
        // One shard may have everything, so the list decides.
        ("select count(*) from customers where id in (5, 6)", "shop id in (5,6) merges COUNT()"),
        ("select id from customers where id in (5, 6) limit 1", "shop id in (5,6) merges LIMIT"),
        ("delete from customers where id in (5, 6) limit 1", "shop id in (5,6) write merges LIMIT"),
    ];
    assert_plans(&*cluster().await, Some("shop"), &cases);
}

#[tokio::test]
async fn joins_by_equal_sharding_columns_are_of_each_shard() {
    let cases = [
        ("select * from customers c join orders o on o.customer_id = c.id", "shop all"),
        ("select * from customers c, orders o where (o.customer_id = c.id) and o.total > 1", "shop all"),
        ("select * from customers c left join orders o on o.customer_id = c.id and o.id = 1", "shop all"),
        ("select * from customers c right join orders o on o.customer_id = c.id", "shop all"),
        (
            "select * from customers c left join (orders o join orders p on o.customer_id = p.customer_id) on c.id = p.customer_id",
            "shop all",
        ),
        (
            "select * from customers c join orders o on o.customer_id = c.id where c.id = 5 order by 1",
            "shop id in (5) merges ORDER BY",
        ),
        (
            "select * from customers c join orders o on o.customer_id = c.id and o.customer_id = 5",
            "shop customer_id in (5)",
        ),
        // The ON of an outer join leaves the rows of the outer side.
        ("select * from customers c left join orders o on o.customer_id = c.id and c.id = 5", "shop all"),
        ("select * from customers c left join orders o on c.id = 5 and o.customer_id = 5", "SH2016"),
        ("select * from customers c right join orders o on c.id = 5 and o.customer_id = 5", "SH2016"),
        ("select * from customers c left join orders o on o.id = 1 where o.customer_id = c.id", "SH2016"),
        ("select * from customers c, orders o where id = 5 and o.customer_id = 5", "SH2016"),
        ("select * from customers c, orders o where o.id = 5 and c.id = 5", "SH2016"),
        ("select * from customers c join orders o on o.id = c.id", "SH2016"),
        ("select * from customers c join orders o on o.customer_id = c.id or o.id = 1", "SH2016"),
        ("select * from customers c join orders o on not o.customer_id = c.id", "SH2016"),
        ("select * from customers c join orders o using (id)", "SH2016"),
        (
            "select * from (customers a join customers b on a.name = b.name) left join orders o on o.customer_id = a.id and o.customer_id = b.id",
            "SH2016",
        ),
    ];
    assert_plans(&*cluster().await, Some("shop"), &cases);
}

#[tokio::test]
async fn what_several_shards_would_have_to_merge_is_refused() {
    let cases = [
        ("select name from customers order by name", "SH2016"),
        ("select name from customers limit 3", "SH2016"),
        ("select distinct name from customers", "SH2016"),
        ("select name from customers group by name", "SH2016"),
        ("select name as id from customers having id = 5", "SH2016"),
        ("select max(id) from customers", "SH2016"),
        ("select name, rank() over () from customers", "SH2016"),
        ("select own_function(id) from customers", "SH2016"),
        ("select shop.own_function(id) from customers", "SH2016"),
        ("select @@hostname, id from customers", "SH2016"),
        ("select rand(3) from customers", "SH2016"),
        ("select name from customers union select city from customers", "SH2016"),
        ("select * from (select name from customers) as d", "SH2016"),
        ("with c as (select name from customers) select * from c", "SH2016"),
        ("select * from customers where id = 5 and exists (select 1 from orders o where o.id = 5)", "SH2016"),
        ("select * from customers where id = (select max(id) from orders where customer_id = 5)", "SH2016"),
        ("select (select count(*) from orders) from customers where id = 5", "SH2016"),
        ("update customers set name = 'x' order by id limit 1", "SH2016"),
        ("update customers set name = (select 1)", "SH2016"),
        ("delete from customers limit 1", "SH2016"),
        ("update customers set id = 6", "SH2007"),
        ("update customers c join orders o on c.id = o.customer_id set o.customer_id = 6", "SH2007"),
    ];
    assert_plans(&*cluster().await, Some("shop"), &cases);
}
